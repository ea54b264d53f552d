//! Names and mail addresses as `Name <address>`.

/// The name of `Name <address>`, without quotes.
pub(super) fn name_of(value: &str) -> String {
    let name = value.split_once('<').map_or("", |(name, _)| name).trim();
    name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name).to_owned()
}

/// The address of `Name <address>`, or of an address alone.
pub(super) fn address_of(value: &str) -> &str {
    let address = match value.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or(rest),
        None => value.split_whitespace().next().unwrap_or(""),
    };
    if address.contains('@') { address.trim() } else { "" }
}

/// `Name <address>` as a mail's head wants it: quoted where the name holds more than letters, digits, blanks and dashes.
#[must_use]
pub(super) fn formatted(name: &str, address: &str) -> String {
    if name.is_empty() {
        return address.to_owned();
    }
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_ -".contains(&byte));
    // A backslash and a quote would end the quotes.
    let name = if plain { name.to_owned() } else { format!("\"{}\"", name.replace('\\', "").replace('"', "\\\"")) };
    format!("{name} <{address}>")
}
