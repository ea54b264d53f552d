//! Dates and clocks, known by their form.

/// Whether a text begins in a form, `Mmm 00 00:00:00`: any digit stands for a `0`, any capital for an `M`, any small letter for an `m`.
pub(crate) fn has_form(text: &[u8], form: &[u8]) -> bool {
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        b'M' => byte.is_ascii_uppercase(),
        b'm' => byte.is_ascii_lowercase(),
        form => byte == form,
    };
    text.len() >= form.len() && text.iter().zip(form).all(fits)
}
