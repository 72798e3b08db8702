//! Reads a JavaScript object literal as data: what 4.x servers answer where later ones answer JSON.
//!
//! Names without quotes, texts in either quote, numbers, the three words, nested objects and arrays, comments, commas
//! at the end. Nothing is ever evaluated: an expression, a call or a template is not a literal, and the answer is
//! then not understood.

use std::iter::Peekable;
use std::str::Chars;

use serde_json::{Map, Number, Value};

/// Deepest nesting that is read; recorded answers have two levels.
const MAX_DEPTH: usize = 16;

/// The literal in a text, which may end in a semicolon; `None` where the text is anything else.
pub(super) fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text.chars().peekable() };
    let value = reader.value(MAX_DEPTH)?;
    while reader.take(';')? {}
    reader.rest.next().is_none().then_some(value)
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    /// Skips blanks and comments; `None` where a comment does not end.
    fn skip(&mut self) -> Option<()> {
        loop {
            while self.rest.next_if(|character| character.is_whitespace()).is_some() {}
            if self.rest.next_if_eq(&'/').is_none() {
                return Some(());
            }
            match self.rest.next()? {
                '/' => while self.rest.next_if(|character| *character != '\n').is_some() {},
                '*' => {
                    let mut star = false;
                    loop {
                        match self.rest.next()? {
                            '/' if star => break,
                            character => star = character == '*',
                        }
                    }
                }
                _ => return None,
            }
        }
    }

    /// Whether the next sign is this one, which is then taken.
    fn take(&mut self, sign: char) -> Option<bool> {
        self.skip()?;
        Some(self.rest.next_if_eq(&sign).is_some())
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.skip()?;
        match *self.rest.peek()? {
            '{' => self.object(depth.checked_sub(1)?),
            '[' => self.array(depth.checked_sub(1)?),
            '"' | '\'' => self.text().map(Value::String),
            '-' | '0'..='9' => self.number(),
            _ => match self.name()?.as_str() {
                "true" => Some(Value::Bool(true)),
                "false" => Some(Value::Bool(false)),
                "null" | "undefined" => Some(Value::Null),
                _ => None,
            },
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.rest.next();
        let mut fields = Map::new();
        loop {
            if self.take('}')? {
                return Some(Value::Object(fields));
            }
            let key = match *self.rest.peek()? {
                '"' | '\'' => self.text()?,
                _ => self.name()?,
            };
            if !self.take(':')? {
                return None;
            }
            fields.insert(key, self.value(depth)?);
            if !self.take(',')? {
                return self.take('}')?.then_some(Value::Object(fields));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        self.rest.next();
        let mut items = Vec::new();
        loop {
            if self.take(']')? {
                return Some(Value::Array(items));
            }
            items.push(self.value(depth)?);
            if !self.take(',')? {
                return self.take(']')?.then_some(Value::Array(items));
            }
        }
    }

    fn text(&mut self) -> Option<String> {
        let quote = self.rest.next()?;
        let mut text = String::new();
        loop {
            match self.rest.next()? {
                '\\' => text.push(self.escaped()?),
                '\n' => return None,
                character if character == quote => return Some(text),
                character => text.push(character),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.rest.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'x' => self.code(2)?,
            'u' => self.code(4)?,
            '\n' => return None,
            character => character,
        })
    }

    /// A character by its hexadecimal number; half of a pair becomes the replacement character.
    fn code(&mut self, digits: usize) -> Option<char> {
        let mut code = 0;
        for _ in 0..digits {
            code = code * 16 + self.rest.next()?.to_digit(16)?;
        }
        Some(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn number(&mut self) -> Option<Value> {
        let mut digits = String::new();
        while let Some(character) =
            self.rest.next_if(|character| matches!(character, '-' | '+' | '.' | 'e' | 'E' | '0'..='9'))
        {
            digits.push(character);
        }
        serde_json::from_str::<Number>(&digits).ok().map(Value::Number)
    }

    fn name(&mut self) -> Option<String> {
        let mut name = String::new();
        while let Some(character) =
            self.rest.next_if(|character| character.is_alphanumeric() || matches!(character, '_' | '$'))
        {
            name.push(character);
        }
        (!name.is_empty()).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literals_are_read() {
        for (text, expected) in [
            ("{}", json!({})),
            (" { a : 1 , 'b' : \"x\" , \"c\" : 'y' , } ; ", json!({"a": 1, "b": "x", "c": "y"})),
            (
                "{a:[1,-2.5,1e3,],b:{c:null,d:undefined}}",
                json!({"a": [1, -2.5, 1000.0], "b": {"c": null, "d": null}}),
            ),
            ("{$a_1: true, b: false}", json!({"$a_1": true, "b": false})),
            ("{// one: 1\n/* two: 2 * / */ three: 3}", json!({"three": 3})),
            (
                r#"{a: 'it\'s \"x\"\n\u00fc\x41', b: "window.x = {};"}"#,
                json!({"a": "it's \"x\"\nüA", "b": "window.x = {};"}),
            ),
            ("{big: 1427864400430}", json!({"big": 1_427_864_400_430_u64})),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_literal_is_not_understood() {
        for text in [
            "",
            "{",
            "{a",
            "{a:",
            "{a:1",
            "{a:1,,b:2}",
            "{a 1}",
            "{a:b}",
            "{a:f()}",
            "{a:1+1}",
            "{a:`x`}",
            "{a:'x\ny'}",
            "{a:'x",
            "{a:1} b",
            "{a:1}}",
            "{a:01}",
            "{a:--1}",
            "{/* a:1}",
            "{a:/x/}",
            "[1 2]",
            "{a:'\\u12'}",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(MAX_DEPTH)).is_some());
        assert_eq!(parse(&nested(MAX_DEPTH + 1)), None);
        assert_eq!(parse(&nested(1_000_000)), None);
    }
}
