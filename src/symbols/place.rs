//! A place in the source as look-ups give it, and names as people write them.

/// A place in the source, owned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The function; Rust names are demangled.
    pub function: Option<String>,
    /// The file as the compiler was given it, with the folder of the compilation.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// Which of several blocks of code of that line, as binutils prints it; 0 for none.
    pub discriminator: u32,
}

/// A name as people write it: Rust's mangled ones made readable, all others as they are.
#[must_use]
pub fn demangled(name: &str) -> String {
    if name.starts_with("_R") || name.starts_with("_ZN") {
        return match rustc_demangle::try_demangle(name) {
            Ok(readable) => format!("{readable:#}"),
            Err(_) => name.to_owned(),
        };
    }
    name.to_owned()
}
