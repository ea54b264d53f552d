//! Records against the schemas that `kanalyze generate schema` prints.

use serde_json::Value;

/// Fails if the record is not what the schema that it names says.
pub(crate) fn assert_valid(record: &Value) {
    let name = record["schema"].as_str().expect("a record names its schema");
    let schemas = kanalyze::cli::schemas();
    let (_, schema) = schemas.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no schema {name}"));
    let validator = jsonschema::validator_for(schema).expect("a schema");
    let errors: Vec<String> =
        validator.iter_errors(record).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{name}: {}\n{record:#}", errors.join("; "));
}
