// Command gitops runs what GitOps tools would run over CodeUpgrades: Argo CD's health and actions by gopher-lua with the libraries that Argo
// gives, Flux's healthCheckExprs by Flux's own evaluator, and kstatus by its library.
//
//	gitops EXAMPLES STATUSES
//
// EXAMPLES is examples/gitops, STATUSES a file with a JSON list of recorded objects. It prints what is wrong, and ends with 1 then.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

type object = map[string]any

// What each tool has to say of a phase.
var expected = map[string]struct {
	argo               string
	kstatus            status.Status
	accepted, finished status.Status
}{
	"Observing":  {"Healthy", status.CurrentStatus, status.CurrentStatus, status.CurrentStatus},
	"Done":       {"Healthy", status.CurrentStatus, status.CurrentStatus, status.CurrentStatus},
	"Checking":   {"Progressing", status.InProgressStatus, status.CurrentStatus, status.InProgressStatus},
	"Waiting":    {"Progressing", status.InProgressStatus, status.CurrentStatus, status.InProgressStatus},
	"Upgrading":  {"Progressing", status.InProgressStatus, status.CurrentStatus, status.InProgressStatus},
	"RollingOut": {"Progressing", status.InProgressStatus, status.CurrentStatus, status.InProgressStatus},
	"Suspended":  {"Suspended", status.InProgressStatus, status.CurrentStatus, status.InProgressStatus},
	"Stalled":    {"Degraded", status.FailedStatus, status.FailedStatus, status.FailedStatus},
}

var wrong int

func complain(format string, arguments ...any) {
	wrong++
	fmt.Printf(format+"\n", arguments...)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "gitops:", err)
		os.Exit(2)
	}
}

func read(path string, into any) {
	text, err := os.ReadFile(path)
	fail(err)
	if err := yaml.Unmarshal(text, into); err != nil {
		fail(fmt.Errorf("%s: %w", path, err))
	}
}

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: gitops EXAMPLES STATUSES"))
	}
	examples := os.Args[1]
	argo := filepath.Join(examples, "argocd", "codeupgrade.dev")
	for _, kind := range []string{"CodeUpgrade", "CodeUpgradeOrder"} {
		healthTests(filepath.Join(argo, kind))
	}
	actionTests(filepath.Join(argo, "CodeUpgrade", "actions"))
	var recorded []object
	read(os.Args[2], &recorded)
	profiles := fluxProfiles(filepath.Join(examples, "flux", "kustomizations.yaml"))
	for _, each := range recorded {
		judge(argo, profiles, each)
	}
	fmt.Printf("%d recorded objects, %d complaints\n", len(recorded), wrong)
	if wrong > 0 || len(recorded) == 0 {
		os.Exit(1)
	}
}

// judge asks every tool about a recorded object.
func judge(argo string, profiles map[string]*cel.StatusEvaluator, recorded object) {
	said := recorded["status"].(object)
	phase, about := said["phase"].(string), fmt.Sprintf("%v (%v)", said["phase"], said["reason"])
	want, known := expected[phase]
	if !known {
		complain("%s: nobody knows this phase", about)
		return
	}
	folder := filepath.Join(argo, "CodeUpgrade")
	if health := run(filepath.Join(folder, "health.lua"), recorded, nil).(object); health["status"] != want.argo {
		complain("%s: Argo CD says %v instead of %s", about, health["status"], want.argo)
	} else if message, _ := health["message"].(string); message == "" {
		complain("%s: Argo CD says nothing", about)
	}
	for name, action := range run(filepath.Join(folder, "actions", "discovery.lua"), recorded, nil).(object) {
		if action.(object)["disabled"] == false {
			checkOrder(folder, about, name, recorded)
		}
	}
	resource := &unstructured.Unstructured{Object: wholeNumbers(recorded).(object)}
	if result, err := status.Compute(resource); err != nil || result.Status != want.kstatus {
		complain("%s: kstatus says %v instead of %s (%v)", about, result, want.kstatus, err)
	}
	for name, wanted := range map[string]status.Status{"code42-accepted": want.accepted, "code42-finished": want.finished} {
		result, err := profiles[name].Evaluate(context.Background(), resource)
		if err != nil || result.Status != wanted {
			complain("%s: Flux says %v instead of %s by the profile %s (%v)", about, result, wanted, name, err)
		}
	}
}

// checkOrder runs an action that is offered, and looks at the order it makes.
func checkOrder(folder, about, name string, recorded object) {
	parameters := map[string]string{"reason": "a test"}
	if name == "approve" {
		parameters["for"] = "4.2.3.1->4.3.5.3 servers"
	}
	made, isList := run(filepath.Join(folder, "actions", name, "action.lua"), recorded, parameters).([]any)
	if !isList || len(made) != 1 {
		complain("%s: %s makes %v", about, name, made)
		return
	}
	created := made[0].(object)
	order, _ := created["resource"].(object)
	owners, _, _ := unstructured.NestedSlice(order, "metadata", "ownerReferences")
	action, _, _ := unstructured.NestedString(order, "spec", "action")
	reason, _, _ := unstructured.NestedString(order, "spec", "reason")
	if created["operation"] != "create" || len(owners) != 1 || strings.ToLower(action) != name || reason != "a test" {
		complain("%s: %s makes %v", about, name, created)
	}
}

// fluxProfiles reads the expressions of every Kustomization in a file, by its name.
func fluxProfiles(path string) map[string]*cel.StatusEvaluator {
	text, err := os.ReadFile(path)
	fail(err)
	profiles := map[string]*cel.StatusEvaluator{}
	for _, document := range strings.Split(string(text), "\n---\n") {
		var kustomization struct {
			Metadata struct{ Name string }
			Spec     struct{ HealthCheckExprs []kustomize.CustomHealthCheck }
		}
		fail(yaml.Unmarshal([]byte(document), &kustomization))
		for _, check := range kustomization.Spec.HealthCheckExprs {
			evaluator, err := cel.NewStatusEvaluator(&check.HealthCheckExpressions)
			fail(err)
			profiles[kustomization.Metadata.Name] = evaluator
		}
	}
	return profiles
}

func healthTests(folder string) {
	var tests struct {
		Tests []struct {
			HealthStatus object
			InputPath    string
		}
	}
	read(filepath.Join(folder, "health_test.yaml"), &tests)
	for _, test := range tests.Tests {
		var input object
		read(filepath.Join(folder, test.InputPath), &input)
		if health := run(filepath.Join(folder, "health.lua"), input, nil); !reflect.DeepEqual(health, any(test.HealthStatus)) {
			complain("%s: %v instead of %v", test.InputPath, health, test.HealthStatus)
		}
	}
	if len(tests.Tests) == 0 {
		complain("%s: there are no tests", folder)
	}
}

var moment = regexp.MustCompile(`-[0-9]{14}-`)

func actionTests(folder string) {
	var tests struct {
		DiscoveryTests []struct {
			InputPath string
			Result    []struct {
				Name        string
				Disabled    bool
				DisplayName string
			}
		}
		ActionTests []struct{ Action, InputPath, ExpectedOutputPath string }
	}
	read(filepath.Join(folder, "action_test.yaml"), &tests)
	for _, test := range tests.DiscoveryTests {
		var input object
		read(filepath.Join(folder, test.InputPath), &input)
		found := run(filepath.Join(folder, "discovery.lua"), input, nil).(object)
		if len(found) != len(test.Result) {
			complain("%s: %d actions instead of %d", test.InputPath, len(found), len(test.Result))
		}
		for _, wanted := range test.Result {
			action, _ := found[wanted.Name].(object)
			name, _ := action["displayName"].(string)
			if action["disabled"] != wanted.Disabled || (wanted.DisplayName != "" && name != wanted.DisplayName) {
				complain("%s: action %s is %v", test.InputPath, wanted.Name, action)
			}
		}
	}
	for _, test := range tests.ActionTests {
		var input object
		read(filepath.Join(folder, test.InputPath), &input)
		var wanted any
		read(filepath.Join(folder, test.ExpectedOutputPath), &wanted)
		made, err := json.Marshal(run(filepath.Join(folder, test.Action, "action.lua"), input, nil))
		fail(err)
		var normal any
		fail(json.Unmarshal(moment.ReplaceAll(made, []byte("-TIME-")), &normal))
		if !reflect.DeepEqual(normal, wanted) {
			complain("action %s of %s: %v instead of %v", test.Action, test.InputPath, normal, wanted)
		}
	}
}
