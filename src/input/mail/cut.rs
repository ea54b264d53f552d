//! Lines of reports that cannot end where they do, and what goes on with them: recognised by the words, whatever the width.

use super::stamp::{behind_stamp, is_place, is_stamped};

/// Whether `rest` goes on with a line of a report that ends too early. Both stand in the same mail, one below the other.
#[must_use]
pub(super) fn goes_on(whole: &[u8], rest: &[u8]) -> bool {
    if is_stamped(rest) {
        return false;
    }
    let (stamped, rest) = (is_stamped(whole), rest.trim_ascii());
    let text = unstamped(unstamped(whole));
    let Some(first) = words(rest).next() else { return false };
    let last = words(text).next_back().unwrap_or_default();
    match text {
        // A stamp alone: the mailer broke before the first long word.
        [] | b"?" => stamped && is_function(first),
        _ if text.starts_with(b"CPU: ") => is_processor(text) && is_release(rest, last),
        _ if text.starts_with(b"Hardware name: ") => first == b"BIOS" || (last == b"BIOS" && ends_in_date(rest)),
        _ if text.starts_with(b"Modules linked in:") => stamped && words(rest).all(is_module),
        _ if text.starts_with(b"Code: ") => (stamped || words(rest).count() > 2) && words(rest).all(is_code),
        _ if text.starts_with(b"Tainted: ") => is_release(rest, last),
        _ if text.starts_with(b"task:") => {
            rest.contains(&b':') && words(rest).any(|word| word.starts_with(b"flags:0x"))
        }
        _ if text.starts_with(b"FS:") => first.starts_with(b"knlGS:"),
        _ if text.starts_with(b"WARNING: ") && is_place(last) => is_function(first),
        _ if text.starts_with(b"BUG: ") && last == b"in" => is_function(first),
        _ if text.ends_with(b" NULL pointer") => first == b"dereference" || first == b"dereference,",
        _ if text.starts_with(b"INFO: task ") => is_time_of_hang(text, rest) || is_holder(text, rest),
        _ if text.starts_with(b"\"echo 0 > /proc/sys/kernel/hung_task") => rest == b"disables this message.",
        // A row of held locks; `Uninit was created at:` is followed by a stack.
        _ if last == b"at:" => is_function(first) && memchr::memmem::find(text, b"){").is_some(),
        _ if last == b"by" => is_task_on(rest),
        _ if is_open(text) => stamped && is_places(rest),
        _ if is_row(text) => words(rest).all(|word| word.len() == 2 && is_code(word)),
        _ if is_parenthesis(rest) => stamped && is_name(last),
        _ if is_register(last) => words(rest).all(|word| is_value(word) || is_register(word)),
        _ if last == b"task" && words(text).any(|word| word == b"addr") => is_task(rest),
        _ if last == b"?" || last == b"from" => is_call(first) && is_frame_begin(text, stamped),
        // An address below an address is the next frame of a kernel without symbols.
        _ if is_address(last) => is_call(first) && !is_address(first) && is_frame_begin(text, stamped),
        _ if is_function(last) => is_place_only(rest) || (is_module_name(first) && words(rest).count() == 1),
        _ if rest.ends_with(b"[inline]") => {
            is_place_only(rest) && is_name(last) && (last == text || text.starts_with(b"BUG: ") || text.contains(&b'}'))
        }
        _ => false,
    }
}

/// Without its first stamp; nothing where it is one.
fn unstamped(text: &[u8]) -> &[u8] {
    let rest = if is_stamped(text) { behind_stamp(text) } else { text };
    let is_stamp = rest.len() == text.len() && is_stamped(text) && (text.ends_with(b"]") || text.ends_with(b"kernel:"));
    if is_stamp { b"" } else { rest.trim_ascii() }
}

fn words(text: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> + Clone {
    text.split(|byte| *byte == b' ').filter(|word| !word.is_empty())
}

/// `CPU: 5 PID: 109 Comm: kworker/5:1 Not tainted`: as long as the number of the build is missing.
fn is_processor(text: &[u8]) -> bool {
    let build =
        words(text).any(|word| word.strip_prefix(b"#").is_some_and(|number| number.iter().any(u8::is_ascii_digit)));
    memchr::memmem::find(text, b" Comm: ").is_some() && !build
}

/// `6.8.0-11436 #5750`, `W   6.2.0-rc6 #1`, `#1 PREEMPT`, `tainted 5.9.0 #1`: the rest of such a line.
fn is_release(rest: &[u8], last: &[u8]) -> bool {
    let build = |word: &[u8]| word.first() == Some(&b'#') && word.get(1).is_some_and(u8::is_ascii_digit);
    let Some(at) = words(rest).position(build) else { return false };
    let taint = |word: &[u8]| word.len() <= 3 && word.iter().all(u8::is_ascii_uppercase);
    let release = |word: &[u8]| word.first().is_some_and(u8::is_ascii_digit) && word.contains(&b'.');
    let fits = |word: &[u8]| taint(word) || release(word) || matches!(word, b"tainted" | b"Not" | b"Tainted:");
    at <= 8 && words(rest).take(at).all(fits) && (at > 0 || release(last))
}

fn ends_in_date(rest: &[u8]) -> bool {
    words(rest).next_back().is_some_and(|date| date.len() == 10 && date[2] == b'/' && date[5] == b'/')
}

/// `snd_pcm`, `zram(OE+)`, `[last unloaded:`, `crc32c_intel]`.
fn is_module(word: &[u8]) -> bool {
    let name = word.split(|byte| *byte == b'(').next().unwrap_or_default();
    let tail = &word[name.len()..];
    let flags = tail.is_empty() || (tail.ends_with(b")") && tail.len() <= 8);
    let plain = |name: &[u8]| !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    (flags && plain(name)) || matches!(word, b"[last" | b"unloaded:") || word.strip_suffix(b"]").is_some_and(plain)
}

/// `8b`, `<0f>`, `(e5911004)`: a byte or a word of machine code.
fn is_code(word: &[u8]) -> bool {
    let inner = word.strip_prefix(b"<").or(word.strip_prefix(b"(")).unwrap_or(word);
    let inner = inner.strip_suffix(b">").or(inner.strip_suffix(b")")).unwrap_or(inner);
    matches!(inner.len(), 2 | 4 | 8) && inner.iter().all(u8::is_ascii_hexdigit)
}

/// `R09:`, `CR2:`, `DSISR:`, `GPR28:`.
fn is_register(word: &[u8]) -> bool {
    let Some(name) = word.strip_suffix(b":") else { return false };
    let shape = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    (2..=8).contains(&name.len())
        && name[0].is_ascii_uppercase()
        && name.iter().all(shape)
        && name != b"BUG"
        && name != b"INFO"
}

fn is_value(word: &[u8]) -> bool {
    matches!(word.len(), 8 | 16) && word.iter().all(u8::is_ascii_hexdigit)
}

/// `ffff900015447800: 00 00`, `>ffff900015447800: 08`: memory around an address.
fn is_row(text: &[u8]) -> bool {
    let first = words(text.strip_prefix(b">").unwrap_or(text)).next().unwrap_or_default();
    first.strip_suffix(b":").is_some_and(is_value)
}

/// `(lib/vsprintf.c:2288)`, `(./include/linux/foo.h:12 mm/bar.c:34 (discriminator 2))`.
fn is_parenthesis(rest: &[u8]) -> bool {
    let inner = rest.strip_prefix(b"(").and_then(|rest| rest.strip_suffix(b")"));
    inner.is_some_and(|inner| words(inner).next().is_some_and(is_place))
}

/// Whether a parenthesis with places is open: `kfree (./include/linux/foo.h:118`.
fn is_open(text: &[u8]) -> bool {
    let mut text = text;
    while let Some(at) = memchr::memmem::rfind(text, b" (") {
        let inner = &text[at + 2..];
        if !inner.starts_with(b"discriminator ") || !inner.ends_with(b")") {
            return words(inner).next().is_some_and(is_place) && !inner.ends_with(b")");
        }
        text = text[..at].trim_ascii_end();
    }
    false
}

/// `(discriminator 1) ./include/linux/foo.h:161 mm/bar.c:34)`: places, and perhaps the end of the parenthesis.
fn is_places(rest: &[u8]) -> bool {
    let bare = |word: &[u8]| is_place(word.strip_suffix(b")").unwrap_or(word));
    let number = |word: &[u8]| word.iter().all(|byte| byte.is_ascii_digit() || *byte == b')');
    words(rest).all(|word| bare(word) || number(word) || matches!(word, b"(discriminator" | b"..."))
}

/// `INFO: task lamp:7 blocked for more than 122` and `seconds.`, cut anywhere behind `blocked`.
fn is_time_of_hang(text: &[u8], rest: &[u8]) -> bool {
    const WORDS: [&[u8]; 5] = [b"for", b"more", b"than", b"122", b"seconds."];
    let Some(at) = memchr::memmem::rfind(text, b" blocked") else { return false };
    let said = words(&text[at + b" blocked".len()..]);
    let fits = |(word, want): (&[u8], &[u8])| word == want || (want == b"122" && word.iter().all(u8::is_ascii_digit));
    let whole: Vec<&[u8]> = said.clone().chain(words(rest)).take(WORDS.len() + 1).collect();
    said.count() < WORDS.len() && whole.len() == WORDS.len() && whole.into_iter().zip(WORDS).all(fits)
}

/// `INFO: task lamp:7 is blocked on a mutex` and `likely owned by task widget:8.`, cut anywhere before the second name.
fn is_holder(text: &[u8], rest: &[u8]) -> bool {
    const WORDS: [&[u8]; 13] = [
        b"on",
        b"a",
        b"an",
        b"mutex",
        b"semaphore",
        b"rw-semaphore",
        b"likely",
        b"last",
        b"owned",
        b"held",
        b"by",
        b"task",
        b"the",
    ];
    let said = memchr::memmem::find(text, b" blocked").map(|at| &text[at + b" blocked".len()..]);
    let said = said.is_some_and(|said| words(said).all(|word| WORDS.contains(&word)));
    // The second name follows the last of these words.
    let name = words(rest)
        .position(|word| !WORDS.contains(&word))
        .filter(|at| *at == 0 || words(rest).nth(at - 1) == Some(b"task"));
    let role = |word: &[u8]| matches!(word, b"<reader>" | b"<writer>");
    let last = words(rest).rfind(|word| !role(word)).unwrap_or_default();
    let last = last.strip_suffix(b".").unwrap_or(last);
    let pid = last.rsplit(|byte| *byte == b':').next().filter(|pid| pid.len() < last.len());
    let after = words(text).next_back() == Some(b"task");
    said && name.is_some_and(|at| (at == 0) == after)
        && pid.is_some_and(|pid| !pid.is_empty() && pid.iter().all(u8::is_ascii_digit))
}

/// `task 269 on cpu 0:`.
fn is_task_on(rest: &[u8]) -> bool {
    rest.starts_with(b"task ") && words(rest).nth(1).is_some_and(|pid| pid.iter().all(u8::is_ascii_digit))
}

fn is_name(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
}

/// `iou-wrk-97057/97138`.
fn is_task(rest: &[u8]) -> bool {
    let Some(slash) = memchr::memrchr(b'/', rest) else { return false };
    let pid = &rest[slash + 1..];
    !pid.is_empty() && pid.iter().all(u8::is_ascii_digit) && words(rest).count() <= 2
}

/// `[<ffffffff816ab6d9>]`, `[c000000000849424]`.
fn is_address(word: &[u8]) -> bool {
    let inner = word.strip_prefix(b"[").and_then(|inner| inner.strip_suffix(b"]"));
    let inner = inner.map(|inner| inner.strip_prefix(b"<").and_then(|inner| inner.strip_suffix(b">")).unwrap_or(inner));
    inner.is_some_and(|inner| matches!(inner.len(), 8 | 16) && inner.iter().all(u8::is_ascii_hexdigit))
}

/// `schedule+0x29/0x70`.
fn is_function(word: &[u8]) -> bool {
    let Some(at) = memchr::memmem::find(word, b"+0x") else { return false };
    let name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$' | b':');
    at > 0 && word[..at].iter().all(name) && word[at + 3..].contains(&b'/')
}

/// A function, or `(show_stack+0x10/0x14)`, or `[<c010cb88>]` of an older arm.
fn is_call(word: &[u8]) -> bool {
    is_function(word.strip_prefix(b"(").unwrap_or(word)) || is_address(word)
}

/// Whether a cut line can only be a frame: nothing but addresses, names in parentheses, `from` and `?` stand in it.
fn is_frame_begin(text: &[u8], stamped: bool) -> bool {
    let fits = |word: &[u8]| {
        // `(lamp_on [lamp])` are two.
        is_address(word) || word == b"from" || word == b"?" || word.starts_with(b"(") || word.ends_with(b")")
    };
    let powerpc = |word: &[u8]| matches!(word, b"NIP" | b"LR");
    words(text).all(|word| fits(word) || powerpc(word)) && (stamped || words(text).any(is_address))
}

fn is_place_only(rest: &[u8]) -> bool {
    words(rest).next().is_some_and(is_place)
        && words(rest).skip(1).all(|word| word == b"[inline]" || is_module_name(word))
}

/// `[nfsd]`.
fn is_module_name(word: &[u8]) -> bool {
    let name = word.strip_prefix(b"[").and_then(|word| word.strip_suffix(b"]"));
    name.is_some_and(|name| !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_'))
}

#[cfg(test)]
mod tests {
    use super::goes_on;

    #[test]
    fn words_say_that_a_line_was_cut() {
        for (whole, rest) in [
            ("[    1.0] CPU: 3 PID: 7 Comm: frob Tainted: G", "  W   9.2.0-rc1 #1"),
            ("CPU: 3 PID: 7 Comm: frob Not tainted", "9.2.0-rc1 #1 PREEMPT"),
            ("[    1.000000]", "frob_read+0x1/0x20 [frob]"),
            ("[    1.000000]  ?", "frob_read+0x1/0x20"),
            ("[<c010f968>] (unwind) from [<c010c6f8>]", "(show_stack+0x10/0x14)"),
            ("[    1.000000] WARNING: CPU: 0 PID: 1 at frob/core.c:12", "frob_read+0x1/0x20"),
            ("RBP: 0000000000000000 R08: 0000000000000001 R09:", "0000000000000007"),
            ("[    1.000000] frob_read (frob/core.c:12", "frob/bus.c:8 (discriminator 2))"),
            ("INFO: task frob:7 blocked for more than 122", "seconds."),
            ("[    1.000000] BUG: kernel NULL pointer", "dereference, address: 0000000000000008"),
            ("INFO: task frob:7 blocked for more", "than 122 seconds."),
            ("INFO: task frob:7 is blocked on a mutex", "likely owned by task lamp 2:8."),
            ("INFO: task frob:7 is blocked on a mutex likely owned by task", "lamp:8."),
            ("INFO: task frob:7 <reader> blocked on an rw-semaphore", "likely owned by task lamp:8 <writer>"),
            ("[<bf0a1c20>] (frob_read [frob]) from", "[<c014e3a8>] (process_one_work+0x1a8/0x408)"),
            (" ffff888014b4d7e0 (&mm->mmap_lock){++++}-{4:4}, at:", "frob_lock+0x1/0x20 frob/lock.c:3"),
        ] {
            assert!(goes_on(whole.as_bytes(), rest.as_bytes()), "{whole} | {rest}");
        }
    }

    #[test]
    fn what_is_whole_has_no_rest() {
        for (whole, rest) in [
            ("CPU: 3 PID: 7 Comm: frob Not tainted 9.2.0-rc1 #1", "Hardware name: QEMU"),
            ("Uninit was created at:", " frob_alloc+0x1/0x20"),
            ("[...]", " frob_read+0x1/0x20"),
            ("frob_read+0x1/0x20", "ksys_read+0x1/0x20"),
            (" [<ffffffff8d6010a3>]", "[<ffffffff8d60114c>]"),
            ("Modules linked in: frob lamp", "and so on"),
            ("[    1.000000] frob: ready", "[    1.000001] lamp: ready"),
            ("INFO: task frob:7 is blocked on a mutex likely owned by task lamp:8.", "task:lamp state:D pid:8"),
            ("INFO: task frob:7 blocked for more than 122 seconds.", "Not tainted 6.9.0 #1:1"),
        ] {
            assert!(!goes_on(whole.as_bytes(), rest.as_bytes()), "{whole} | {rest}");
        }
    }
}
