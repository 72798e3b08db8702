//! The chart's values: what the comments of values.yaml say becomes the chart's README and the schema by which helm judges values.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// The values as they ship.
const VALUES: &str = include_str!("../../../charts/codeupgrade/values.yaml");

/// Begins a comment that narrows what a value may be.
const SCHEMA: &str = "@schema ";

const HEAD: &str = "<!-- Written from the comments of values.yaml by `make generate`. -->
# Chart codeupgrade

Installs the [CodeUpgrade operator](README.md): its definitions, roles, policies and the operator itself, which then keeps the documented
releases in the cluster. How to install, upgrade and remove it: [docs/install.md](docs/install.md).

```sh
helm install codeupgrade charts/codeupgrade --namespace codeupgrade --create-namespace --set image.repository=registry.example/codeupgrade
helm test codeupgrade --namespace codeupgrade
```

Values that contradict each other fail in one sentence that names both.

| value | default | what it is |
|---|---|---|
";

/// One documented value.
#[derive(Debug)]
struct Documented {
    path: Vec<String>,
    meaning: String,
    narrowing: Map<String, Value>,
}

/// The values with what their comments say.
#[derive(Debug)]
pub(super) struct Values {
    documented: Vec<Documented>,
    defaults: Value,
}

impl Values {
    /// Reads the values as they ship.
    pub(super) fn read() -> Result<Self, String> {
        Self::parse(VALUES)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let defaults: Value =
            serde_saphyr::from_str(text).map_err(|error| format!("values.yaml: {error}"))?;
        let mut documented = Vec::new();
        let mut path: Vec<String> = Vec::new();
        let mut comment = Comment::default();
        for (index, line) in text.lines().enumerate() {
            let failed = |problem: String| format!("values.yaml:{}: {problem}", index + 1);
            let content = line.trim_start();
            if let Some(said) = content.strip_prefix("# ") {
                comment.add(said).map_err(failed)?;
                continue;
            }
            let said = std::mem::take(&mut comment);
            let Some((key, _)) = content.split_once(':').filter(|(key, _)| is_key(key)) else { continue };
            path.truncate((line.len() - content.len()) / 2);
            path.push(key.to_owned());
            if !said.meaning.is_empty() {
                let Comment { meaning, narrowing } = said;
                documented.push(Documented { path: path.clone(), meaning, narrowing });
            }
        }
        Ok(Self { documented, defaults })
    }

    /// The chart's README.
    pub(super) fn readme(&self) -> String {
        // Links are written as seen from the top, where a test follows them.
        let mut text = HEAD.replace("](", "](../../");
        for value in &self.documented {
            let default = match self.default_of(&value.path) {
                Some(default) if !self.has_parts(&value.path) => format!("`{default}`"),
                Some(_) | None => String::new(),
            };
            // Writing to a text cannot fail.
            let _ = writeln!(text, "| `{}` | {default} | {} |", value.path.join("."), value.meaning);
        }
        text
    }

    /// The schema by which helm judges values.
    pub(super) fn schema(&self) -> Result<String, String> {
        let mut schema = self.object(&[]);
        schema["$schema"] = "http://json-schema.org/draft-07/schema#".into();
        // What a chart passes on to those that it depends on.
        schema["properties"]["global"] = json!({"type": "object"});
        let text = serde_json::to_string_pretty(&schema).map_err(|error| error.to_string())?;
        Ok(text + "\n")
    }

    /// The schema of a value that has documented parts.
    fn object(&self, path: &[String]) -> Value {
        let parts = self
            .documented
            .iter()
            .filter(|value| value.path.len() == path.len() + 1 && value.path.starts_with(path));
        let properties: Map<String, Value> =
            parts.filter_map(|part| Some((part.path.last()?.clone(), self.property(part)))).collect();
        json!({"type": "object", "additionalProperties": false, "properties": properties})
    }

    fn property(&self, value: &Documented) -> Value {
        let mut schema = if self.has_parts(&value.path) {
            self.object(&value.path)
        } else {
            json!({"type": self.default_of(&value.path).map_or("null", kind)})
        };
        schema["description"] = value.meaning.clone().into();
        for (key, narrowing) in &value.narrowing {
            schema[key] = narrowing.clone();
        }
        schema
    }

    fn has_parts(&self, path: &[String]) -> bool {
        self.documented.iter().any(|value| value.path.len() > path.len() && value.path.starts_with(path))
    }

    fn default_of(&self, path: &[String]) -> Option<&Value> {
        path.iter().try_fold(&self.defaults, |value, key| value.get(key))
    }
}

/// What the lines before a key say.
#[derive(Debug, Default)]
struct Comment {
    meaning: String,
    narrowing: Map<String, Value>,
}

impl Comment {
    fn add(&mut self, said: &str) -> Result<(), String> {
        if let Some(schema) = said.strip_prefix(SCHEMA) {
            self.narrowing = serde_json::from_str(schema).map_err(|error| error.to_string())?;
            return Ok(());
        }
        if !self.meaning.is_empty() {
            self.meaning.push(' ');
        }
        self.meaning.push_str(said);
        Ok(())
    }
}

fn is_key(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric())
}

/// The type that a value of this kind has in a schema.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_become_a_schema_and_a_table() {
        let text = "# The head.\n\n# An image.\nimage:\n  # Its\n  # tag.\n  # @schema {\"minLength\": 1}\n  tag: a\n# Some.\nresources:\n  limits: {cpu: 1}\n";
        let values = Values::parse(text).unwrap();
        let schema: Value = serde_json::from_str(&values.schema().unwrap()).unwrap();
        let tag = &schema["properties"]["image"]["properties"]["tag"];
        assert_eq!(*tag, json!({"type": "string", "minLength": 1, "description": "Its tag."}));
        assert_eq!(schema["properties"]["resources"]["type"], "object");
        assert!(
            schema["properties"]["resources"].get("properties").is_none(),
            "nothing is said of its parts"
        );
        let readme = values.readme();
        assert!(readme.contains("| `image.tag` | `\"a\"` | Its tag. |"), "{readme}");
        assert!(readme.contains("| `image` |  | An image. |"), "{readme}");
    }

    #[test]
    fn every_value_is_documented_or_part_of_one_that_is() {
        let values = Values::read().unwrap();
        let Value::Object(all) = &values.defaults else { panic!("values.yaml holds no values") };
        for key in all.keys() {
            assert!(values.documented.iter().any(|value| value.path == [key.clone()]), "{key} says nothing");
        }
    }
}
