//! The options line of a syz program, in every form that it has had since 2017.

use super::known::{KNOWN, Kind, find};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt;

/// The names that dumps of local work folders have for the same fields.
const RENAMED: &[(&str, &str)] = &[
    ("NetInjection", "tun"),
    ("NetDevices", "netdev"),
    ("NetReset", "resetnet"),
    ("Cgroups", "cgroups"),
    ("BinfmtMisc", "binfmt_misc"),
    ("CloseFDs", "close_fds"),
    ("KCSAN", "kcsan"),
    ("DevlinkPCI", "devlinkpci"),
    ("NicVF", "nicvf"),
    ("USB", "usb"),
    ("VhciInjection", "vhci"),
    ("Wifi", "wifi"),
    ("IEEE802154", "ieee802154"),
    ("Sysctl", "sysctl"),
    ("Swap", "swap"),
];

/// Those that syzkaller writes into the JSON even if they are off.
const ALWAYS_WRITTEN: [&str; 5] = ["procs", "slowdown", "sandbox", "sandbox_arg", "close_fds"];

/// How an options line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `#{"threaded":true,…}`: since 2018-05-17.
    Json,
    /// `#{Threaded:true …}`: Go's dump of the struct.
    Dump,
}

/// What is wrong with an options line, or with an option for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// It is not JSON.
    #[error("{0}")]
    Json(String),
    /// It begins with `{` and does not end with `}`.
    #[error("it is not closed with }}")]
    Unclosed,
    /// A word of a dump without a colon.
    #[error("{0:?} is not a field of a dump")]
    NotAField(String),
    /// There is no such option; what there is, in words.
    #[error("{0}")]
    Unknown(String),
    /// The option takes other values.
    #[error("{key} takes {takes}, not {value:?}")]
    Value {
        /// The option.
        key: String,
        /// What it takes, in words.
        takes: &'static str,
        /// What was given.
        value: String,
    },
    /// The line that is there cannot be read, and must not be lost.
    #[error("the options line cannot be read, so it is left alone")]
    Unreadable,
}

/// The options of a program, in the order in which its line has them.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// How they were written.
    pub dialect: Dialect,
    /// Key in the JSON spelling, and value. Keys that we do not know are kept.
    pub entries: Vec<(String, Value)>,
}

impl Options {
    /// Reads the text of an options line after the `#`.
    ///
    /// # Errors
    /// [`OptionsError`].
    pub fn parse(text: &str) -> Result<Self, OptionsError> {
        let text = text.trim();
        if text.starts_with("{\"") || text == "{}" {
            let Ordered(entries) = serde_json::from_str(text).map_err(|error| OptionsError::Json(error.to_string()))?;
            return Ok(Self { dialect: Dialect::Json, entries });
        }
        let inside = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).ok_or(OptionsError::Unclosed)?;
        let mut entries = Vec::new();
        // Nested structs (`LegacyOptions:{Collide:true …}`) only group: their fields are ours.
        for word in inside.split([' ', '{', '}']).filter(|word| !word.is_empty()) {
            let (field, value) = word.split_once(':').ok_or_else(|| OptionsError::NotAField(word.to_owned()))?;
            if field == "LegacyOptions" {
                continue;
            }
            let known = KNOWN.iter().find(|known| known.field == field).map(|known| known.key);
            let renamed = RENAMED.iter().find(|(name, _)| *name == field).map(|(_, key)| *key);
            let key = known.or(renamed).unwrap_or(field);
            entries.push((key.to_owned(), bare_value(value)));
        }
        Ok(Self { dialect: Dialect::Dump, entries })
    }

    /// Writes the text of an options line, without the `#`. A dump becomes JSON, which every syzkaller since 2018-05-17 reads.
    #[must_use]
    pub fn to_json(&self) -> String {
        let fields: Vec<String> =
            self.entries.iter().map(|(key, value)| format!("{}:{value}", Value::String(key.clone()))).collect();
        format!("{{{}}}", fields.join(","))
    }

    /// The value of an option as written; the last one counts, as for Go.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// A switch; one that is not written is off, but for `close_fds`, which was always on before it could be chosen.
    #[must_use]
    pub fn is_on(&self, key: &str) -> bool {
        self.get(key).and_then(Value::as_bool).unwrap_or(key == "close_fds")
    }

    /// A number; one that is not written is 0, but for `slowdown`, which is then 1.
    #[must_use]
    pub fn number(&self, key: &str) -> i64 {
        self.get(key).and_then(Value::as_i64).unwrap_or(i64::from(key == "slowdown"))
    }

    /// A word; one that is not written is empty.
    #[must_use]
    pub fn word(&self, key: &str) -> &str {
        self.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// Sets an option, at its place in the line or at the place that syzkaller gives it.
    ///
    /// # Errors
    /// The option is unknown, or does not take such a value.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), OptionsError> {
        let known = find(key).ok_or_else(|| OptionsError::Unknown(unknown(key)))?;
        let value = match known.kind {
            Kind::Switch => value.parse().map(Value::Bool).ok(),
            Kind::Number => value.parse::<i64>().map(Value::from).ok(),
            Kind::Word => value
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                .then(|| Value::String(value.to_owned())),
        }
        .ok_or_else(|| {
            let takes = match known.kind {
                Kind::Switch => "true or false",
                Kind::Number => "a number",
                Kind::Word => "a word",
            };
            OptionsError::Value { key: key.to_owned(), takes, value: value.to_owned() }
        })?;
        if let Some(entry) = self.entries.iter_mut().rev().find(|(name, _)| name == key) {
            entry.1 = value;
            return Ok(());
        }
        let rank = |key: &str| KNOWN.iter().position(|known| known.key == key);
        let place = self.entries.iter().position(|(name, _)| rank(name) > rank(key)).unwrap_or(self.entries.len());
        self.entries.insert(place, (key.to_owned(), value));
        Ok(())
    }

    /// Removes an option, which then has its default.
    pub fn unset(&mut self, key: &str) {
        self.entries.retain(|(name, _)| name != key);
    }

    /// The earliest day on which syzkaller can have written these options, `YYYY-MM-DD`, or `""`.
    ///
    /// syzkaller leaves out of its JSON what is off, so an option that is off there was put in by somebody else.
    #[must_use]
    pub fn not_before(&self) -> &'static str {
        let json = self.dialect == Dialect::Json;
        let evidence = |key: &str, value: &Value| {
            let off = value.as_bool() == Some(false) || value.as_i64() == Some(0) || value.as_str() == Some("");
            !(json && off) || ALWAYS_WRITTEN.contains(&key)
        };
        let dates = self.entries.iter().filter(|(key, value)| evidence(key, value)).filter_map(|(key, _)| find(key));
        dates.map(|known| known.since).fold(if json { "2018-05-17" } else { "" }, Ord::max)
    }

    /// What syzkaller itself would refuse about this combination, and values of the wrong kind.
    #[must_use]
    pub fn objections(&self) -> Vec<String> {
        let mut objections: Vec<String> =
            self.entries.iter().filter_map(|(key, value)| wrong_kind(key, value)).collect();
        let sandbox = self.word("sandbox");
        if !matches!(sandbox, "" | "none" | "setuid" | "namespace" | "android") {
            objections
                .push(format!("sandbox {sandbox:?} is none that syzkaller has (none, setuid, namespace, android)"));
        }
        if self.is_on("collide") && !self.is_on("threaded") {
            objections.push("collide needs threaded".to_owned());
        }
        if !self.is_on("repeat") {
            for (key, needs) in [
                ("procs", self.number("procs") > 1),
                ("resetnet", self.is_on("resetnet")),
                ("repeat_times", self.number("repeat_times") > 1),
            ] {
                if needs {
                    objections.push(format!("{key} needs repeat"));
                }
            }
        }
        if sandbox.is_empty() {
            for key in ["tun", "netdev", "cgroups", "binfmt_misc", "vhci", "wifi"] {
                if self.is_on(key) {
                    objections.push(format!("{key} needs a sandbox"));
                }
            }
        }
        if sandbox == "namespace" && !self.is_on("tmpdir") {
            objections.push("sandbox namespace needs tmpdir".to_owned());
        }
        if self.is_on("resetnet") && matches!(sandbox, "" | "setuid") {
            objections.push("resetnet needs a sandbox other than setuid".to_owned());
        }
        if self.is_on("cgroups") && !self.is_on("tmpdir") {
            objections.push("cgroups needs tmpdir".to_owned());
        }
        objections
    }
}

fn wrong_kind(key: &str, value: &Value) -> Option<String> {
    let right = match find(key)?.kind {
        Kind::Switch => value.is_boolean(),
        Kind::Number => value.as_i64().is_some(),
        Kind::Word => value.is_string(),
    };
    (!right).then(|| format!("{key} has the value {value}, which syzkaller cannot read"))
}

fn unknown(key: &str) -> String {
    let near = KNOWN.iter().find(|known| known.feature == Some(key) || known.field.eq_ignore_ascii_case(key));
    match near {
        Some(known) => format!("{key:?} is written {:?} in the options line", known.key),
        None => format!(
            "no option {key:?}; there are {}",
            KNOWN.iter().map(|known| known.key).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// A value of a dump: `true`, `17`, or a word.
fn bare_value(text: &str) -> Value {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => text.parse::<i64>().map_or_else(|_| Value::String(text.to_owned()), Value::from),
    }
}

/// A JSON object with its keys in the order of the text.
struct Ordered(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Ordered;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of options")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_line_keeps_its_order_and_what_we_do_not_know() {
        let line = r#"{"threaded":true,"procs":6,"slowdown":1,"sandbox":"none","sandbox_arg":0,"close_fds":false,"tomorrow":{"a":[1]}}"#;
        let mut options = Options::parse(line).expect("options");
        assert_eq!(options.to_json(), line);
        assert!(!options.is_on("close_fds") && !options.is_on("tun"));
        assert_eq!(options.not_before(), "2022-08-06");
        options.set("wifi", "false").expect("an option");
        options.set("procs", "1").expect("an option");
        options.unset("slowdown");
        assert_eq!(
            options.to_json(),
            r#"{"threaded":true,"procs":1,"sandbox":"none","sandbox_arg":0,"close_fds":false,"tomorrow":{"a":[1]},"wifi":false}"#
        );
        assert_eq!(options.number("slowdown"), 1, "missing is 1");
    }

    #[test]
    fn dumps_of_every_age_are_read() {
        for (line, tun, sandbox) in [
            (
                "{Threaded:true Collide:true Repeat:true Procs:8 Sandbox:none Fault:false FaultCall:-1 FaultNth:0 EnableTun:true UseTmpDir:true HandleSegv:true WaitRepeat:true Debug:false Repro:false}",
                true,
                "none",
            ),
            (
                "{Threaded:true Collide:true Repeat:true Procs:1 Sandbox: Fault:false FaultCall:-1 FaultNth:0 EnableTun:false UseTmpDir:true EnableCgroups:true HandleSegv:true WaitRepeat:true Debug:false Repro:false}",
                false,
                "",
            ),
            (
                "{Threaded:true Repeat:true RepeatTimes:0 Procs:6 Slowdown:1 Sandbox:namespace SandboxArg:0 Leak:false NetInjection:true NetDevices:true CloseFDs:true LegacyOptions:{Collide:false Fault:false FaultCall:0 FaultNth:0}}",
                true,
                "namespace",
            ),
        ] {
            let options = Options::parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(options.dialect, Dialect::Dump);
            assert_eq!((options.is_on("tun"), options.word("sandbox")), (tun, sandbox));
            assert!(options.entries.iter().all(|(key, _)| find(key).is_some()), "{options:?}");
            assert_eq!(
                options.objections().iter().filter(|words| words.contains("cannot read")).count(),
                0,
                "{:?}",
                options.objections()
            );
        }
    }

    #[test]
    fn what_is_no_options_line_is_reported() {
        for bad in ["{", "{\"a\":", "{Threaded}", "{\"a\":1"] {
            assert!(Options::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_wrong_name_or_value_is_reported() {
        let mut options = Options::parse("{}").expect("options");
        let mut objection = |key, value| options.set(key, value).expect_err("wrong").to_string();
        assert!(objection("wifi", "maybe").contains("true or false"));
        assert!(objection("procs", "many").contains("a number"));
        assert!(objection("net_dev", "true").contains("\"netdev\""));
        assert!(objection("nonsense", "1").contains("no option"));
        assert!(objection("sandbox", "none\n-x").contains("a word"));
    }

    #[test]
    fn combinations_that_syzkaller_refuses_are_reported() {
        let objections = |line| Options::parse(line).expect("options").objections();
        assert_eq!(objections(r#"{"threaded":true,"repeat":true,"procs":6,"sandbox":"none"}"#), Vec::<String>::new());
        assert_eq!(objections(r#"{"procs":6,"sandbox":"none"}"#), ["procs needs repeat"]);
        assert_eq!(objections(r#"{"procs":1,"sandbox":"","wifi":true}"#), ["wifi needs a sandbox"]);
        assert_eq!(objections(r#"{"procs":"6"}"#).len(), 1);
    }
}
