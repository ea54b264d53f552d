//! `OPTION=VALUE` as an argument.

/// The two sides, or the form that is wanted.
pub(super) fn assignment(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("it has the form OPTION=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
