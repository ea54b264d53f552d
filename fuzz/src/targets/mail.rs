//! Mails: the text in them, and where each byte of it stood.

use kanalyze::engine::{Options, read_items};
use kanalyze::input::{read_mail, unquote_mail};

/// Tries one mail.
pub fn check(data: &[u8]) {
    let Some(mail) = read_mail(data) else { return };
    assert_eq!(Some(&mail.text), unquote_mail(data).as_ref(), "the same text twice");
    assert!(mail.text.len() <= data.len() + 64 + data.len() / 2, "{} bytes became {}", data.len(), mail.text.len());
    let mut last = 0;
    for at in 0..=mail.text.len() {
        let origin = mail.origin(at);
        assert!(origin <= data.len(), "{at} came from {origin} of {}", data.len());
        last = last.max(origin);
    }
    let options = Options { events: true, prose: true, ..Options::named("mail") };
    let _ = read_items(options, &mail.text);
}
