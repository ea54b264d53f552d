//! The samples of an entry: what the build left is taken apart when somebody asks for it, which few uses of the program do.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use std::fmt;
use std::ops::Deref;
use std::sync::OnceLock;

/// A text that a grammar entry must recognise.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The text of a log.
    pub log: String,
    /// The title that it must get.
    pub title: String,
}

/// The texts that an entry must recognise, with their titles.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    /// As the build wrote them; nothing where `known` came from a file.
    packed: Box<[u8]>,
    known: OnceLock<Vec<Sample>>,
}

impl Deref for Samples {
    type Target = [Sample];

    fn deref(&self) -> &[Sample] {
        // The build script wrote the bytes; nobody else can.
        self.known.get_or_init(|| postcard::from_bytes(&self.packed).unwrap_or_default())
    }
}

/// As one run of bytes, whatever the format: only the build writes them.
impl Serialize for Samples {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let packed = postcard::to_allocvec(&**self).map_err(ser::Error::custom)?;
        serializer.serialize_bytes(&packed)
    }
}

/// A list of tables in a file, the run of bytes in what the build left.
impl<'de> Deserialize<'de> for Samples {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return Vec::deserialize(deserializer)
                .map(|samples| Self { packed: Box::default(), known: OnceLock::from(samples) });
        }
        deserializer.deserialize_bytes(Packed)
    }
}

struct Packed;

impl Visitor<'_> for Packed {
    type Value = Samples;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("samples in a run of bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Samples, E> {
        Ok(Samples { packed: bytes.into(), known: OnceLock::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_survive_the_build() {
        let log = "[    1.000000] BUG: x\n";
        let file = toml::from_str::<std::collections::BTreeMap<String, Samples>>(
            "samples = [{ log = \"[    1.000000] BUG: x\\n\", title = 'BUG: x' }]",
        );
        let read = &file.expect("a list of tables")["samples"];
        let written = postcard::to_allocvec(read).expect("plain data");
        let again: Samples = postcard::from_bytes(&written).expect("what was written");
        let shown = |samples: &Samples| {
            samples.iter().map(|sample| (sample.log.clone(), sample.title.clone())).collect::<Vec<_>>()
        };
        assert_eq!(shown(&again), [(log.to_owned(), "BUG: x".to_owned())]);
        assert_eq!(shown(read), shown(&again));
        assert!(
            postcard::from_bytes::<Samples>(&postcard::to_allocvec(&Samples::default()).expect("plain data"))
                .is_ok_and(|none| none.is_empty())
        );
    }
}
