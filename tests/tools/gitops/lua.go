package main

import (
	"context"
	"fmt"
	"os"
	"sort"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// Argo CD gives a script a second.
const patience = time.Second

// run runs a script of Argo CD about an object, with the libraries that Argo gives and no others: package, base, table, and of os the
// time. It gives back what the script returns.
func run(path string, about object, parameters map[string]string) any {
	text, err := os.ReadFile(path)
	fail(err)
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{{lua.LoadLibName, lua.OpenPackage}, {lua.BaseLibName, lua.OpenBase}, {lua.TabLibName, lua.OpenTable}, {lua.OsLibName, openTime}} {
		fail(state.CallByParam(lua.P{Fn: state.NewFunction(library.open), NRet: 0, Protect: true}, lua.LString(library.name)))
	}
	bounded, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	state.SetContext(bounded)
	state.SetGlobal("obj", toLua(state, about))
	if parameters != nil {
		given := state.NewTable()
		for name, value := range parameters {
			given.RawSetString(name, lua.LString(value))
		}
		state.SetGlobal("actionParams", given)
	}
	if err := state.DoString(string(text)); err != nil {
		fail(fmt.Errorf("%s: %w", path, err))
	}
	return fromLua(state.Get(-1))
}

// openTime opens what of os does no harm.
func openTime(state *lua.LState) int {
	module := state.NewTable()
	module.RawSetString("time", state.NewFunction(func(state *lua.LState) int {
		state.Push(lua.LNumber(time.Now().Unix()))
		return 1
	}))
	module.RawSetString("date", state.NewFunction(func(state *lua.LState) int {
		if state.OptString(1, "") != "!%Y%m%d%H%M%S" {
			state.RaiseError("this test knows one form of date")
		}
		state.Push(lua.LString(time.Now().UTC().Format("20060102150405")))
		return 1
	}))
	state.SetGlobal("os", module)
	return 0
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case nil:
		return lua.LNil
	case bool:
		return lua.LBool(value)
	case float64:
		return lua.LNumber(value)
	case int64:
		return lua.LNumber(value)
	case string:
		return lua.LString(value)
	case []any:
		table := state.NewTable()
		for _, item := range value {
			table.Append(toLua(state, item))
		}
		return table
	case object:
		table := state.NewTable()
		for key, item := range value {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	}
	fail(fmt.Errorf("a script cannot be given %T", value))
	return nil
}

func fromLua(value lua.LValue) any {
	switch value := value.(type) {
	case lua.LBool:
		return bool(value)
	case lua.LNumber:
		return float64(value)
	case lua.LString:
		return string(value)
	case *lua.LTable:
		if value.Len() > 0 {
			items := make([]any, 0, value.Len())
			value.ForEach(func(_, item lua.LValue) { items = append(items, fromLua(item)) })
			return items
		}
		entries := object{}
		value.ForEach(func(key, item lua.LValue) { entries[key.String()] = fromLua(item) })
		return entries
	}
	return nil
}

// wholeNumbers makes integers of the numbers that are whole, as the API machinery has them.
func wholeNumbers(value any) any {
	switch value := value.(type) {
	case float64:
		if whole := int64(value); float64(whole) == value {
			return whole
		}
	case []any:
		items := make([]any, len(value))
		for index, item := range value {
			items[index] = wholeNumbers(item)
		}
		return items
	case object:
		keys := make([]string, 0, len(value))
		for key := range value {
			keys = append(keys, key)
		}
		sort.Strings(keys)
		entries := object{}
		for _, key := range keys {
			entries[key] = wholeNumbers(value[key])
		}
		return entries
	}
	return value
}
