//! The kernel's own symbol table, recovered from an image that has no other: `kallsyms`, packed by tokens.
//!
//! `scripts/kallsyms.c` writes these tables into `.rodata`, each aligned to 8 bytes, and no header says where:
//!
//! | up to 6.1 | 6.2 | later | content |
//! |---|---|---|---|
//! | addresses or offsets, base | the same | | 64-bit addresses (up to 4.5), or 32-bit offsets and their base |
//! | count, names, markers | the same | the same | names as strings of token numbers; the offset of every 256th |
//! | | order | | the numbers of the symbols in order of their names, 24-bit |
//! | token table, token index | the same | the same | 256 strings; their offsets, 16-bit |
//! | | | offsets, base, order | |
//!
//! The token table is found first, by the tokens `0` to `9`, which every kernel has; everything else follows from it,
//! and each step checks the one before.

/// One recovered symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: u64,
    /// The letter that `nm` prints.
    pub letter: u8,
}

/// How a table stores addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressForm {
    /// As they are.
    Whole,
    /// As offsets, before the names.
    OffsetsBefore,
    /// As offsets, behind the tokens.
    OffsetsAfter,
}

impl AddressForm {
    /// The form, and the kernels that have it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Whole => "64-bit addresses",
            Self::OffsetsBefore => "32-bit offsets before the names (4.6 to 6.1)",
            Self::OffsetsAfter => "32-bit offsets after the tokens (6.2 and later)",
        }
    }
}

/// A recovered table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kallsyms {
    /// In the order of the table, which is that of the addresses.
    pub symbols: Vec<Recovered>,
    /// How the addresses are stored.
    pub form: AddressForm,
    /// False if the image does not say where the kernel is linked: addresses then begin at 0.
    pub based: bool,
}

/// Names are at most this long; the kernel's limit is 512.
const LONGEST: usize = 1024;
/// No kernel has more symbols.
const MOST: usize = 4 << 20;

/// Recovers the table from the bytes of a kernel. `None` if there is none, or if it is damaged.
#[must_use]
pub fn recover(bytes: &[u8]) -> Option<Kallsyms> {
    let digits = b"0\x001\x002\x003\x004\x005\x006\x007\x008\x009\0";
    memchr::memmem::find_iter(bytes, digits).find_map(|zero| recover_at(bytes, zero))
}

fn recover_at(bytes: &[u8], zero: usize) -> Option<Kallsyms> {
    let tokens = Tokens::around(bytes, zero)?;
    let read = |end: usize, width: usize| {
        let names = Names::before(bytes, end, width)?;
        let addresses = Addresses::find(bytes, &tokens, &names)?;
        let symbols = names.symbols(&tokens, &addresses.values)?;
        Some(Kallsyms { symbols, form: addresses.form, based: addresses.based })
    };
    let adjacent = [4, 8].into_iter().find_map(|width| read(tokens.from, width));
    adjacent.or_else(|| before_order(bytes, tokens.from).find_map(|end| read(end, 4)))
}

/// Where the markers end if the order by name (3 bytes a symbol) stands between them and the tokens, as in 6.2 and in
/// stable kernels of then: places below which a marker table of the right length begins with 0.
fn before_order(bytes: &[u8], tokens: usize) -> impl Iterator<Item = usize> {
    (1..=MOST * 3 / 8).map_while(move |step| tokens.checked_sub(step * 8)).filter(move |end| {
        let count = (tokens - end) / 3;
        let length = (count.div_ceil(256) * 4).next_multiple_of(8);
        let from = [length, length.saturating_sub(8)].into_iter().filter_map(|length| end.checked_sub(length));
        from.into_iter().any(|from| {
            let second = number(bytes, from + 4, 4).unwrap_or(0);
            number(bytes, from, 4) == Some(0)
                && (512..256 * 64).contains(&second)
                && number(bytes, from + 8, 4).is_some_and(|third| third > second)
        })
    })
}

/// The 256 tokens.
struct Tokens<'bytes> {
    from: usize,
    /// Where the index ends.
    end: usize,
    table: Vec<&'bytes [u8]>,
}

impl<'bytes> Tokens<'bytes> {
    /// The table whose token `0` (number 48) stands at `zero`.
    fn around(bytes: &'bytes [u8], zero: usize) -> Option<Self> {
        let mut from = zero;
        for _ in 0..usize::from(b'0') {
            let before = bytes.get(from.saturating_sub(1 + LONGEST)..from.checked_sub(1)?)?;
            from = from - 1 - before.iter().rev().take_while(|byte| **byte != 0).count();
        }
        // Whatever precedes the table may end without a zero byte; the table itself is aligned.
        let end = from + bytes.get(from..)?.iter().take(2 * LONGEST).position(|byte| *byte == 0)?;
        (from.next_multiple_of(8)..=end).step_by(8).find_map(|from| Self::at(bytes, from))
    }

    /// The table that begins here, if the index behind it says so.
    fn at(bytes: &'bytes [u8], from: usize) -> Option<Self> {
        let mut table = Vec::with_capacity(256);
        let mut offsets = Vec::with_capacity(256);
        let mut at = from;
        for _ in 0..256 {
            let rest = bytes.get(at..)?;
            let length = memchr::memchr(0, &rest[..rest.len().min(LONGEST)])?;
            offsets.push(u16::try_from(at - from).ok()?);
            table.push(&rest[..length]);
            at += length + 1;
        }
        let index: Vec<u8> = offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect();
        let index_at = (at..at + 16).find(|at| bytes.get(*at..*at + index.len()) == Some(&index[..]))?;
        Some(Self { from, end: index_at + index.len(), table })
    }
}

fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let mut wide = [0; 8];
    wide[..width].copy_from_slice(bytes.get(at..at.checked_add(width)?)?);
    Some(u64::from_le_bytes(wide))
}

/// The packed names.
struct Names<'bytes> {
    /// Where the count stands.
    count_at: usize,
    packed: Vec<&'bytes [u8]>,
}

impl<'bytes> Names<'bytes> {
    /// Finds the markers that end at a place, then the names whose 256th, 512th … they mark.
    fn before(bytes: &'bytes [u8], end: usize, width: usize) -> Option<Self> {
        let mut end = end / 8 * 8;
        if width == 4 && number(bytes, end.checked_sub(4)?, 4)? == 0 {
            end -= 4;
        }
        let mut markers = Vec::new();
        let mut at = end;
        loop {
            at = at.checked_sub(width)?;
            let marker = number(bytes, at, width)?;
            if markers.last().is_some_and(|last| marker >= *last) || markers.len() > MOST / 256 {
                return None;
            }
            markers.push(marker);
            if marker == 0 {
                break;
            }
        }
        markers.reverse();
        let last = usize::try_from(*markers.last()?).ok()?;
        // The count stands 8 bytes before the names, which reach from there to the markers.
        let highest = at.checked_sub(last)? / 8 * 8;
        let lowest = highest.saturating_sub(256 * (LONGEST / 4));
        (lowest..=highest).rev().step_by(8).find_map(|from| {
            let count_at = from.checked_sub(8)?;
            let count = usize::try_from(number(bytes, count_at, 8)?).ok()?;
            if count.div_ceil(256) != markers.len() || count > MOST {
                return None;
            }
            Some(Self { count_at, packed: walk(bytes, from, at, count, &markers)? })
        })
    }

    fn symbols(&self, tokens: &Tokens<'_>, addresses: &[u64]) -> Option<Vec<Recovered>> {
        let one = |(packed, address): (&&[u8], &u64)| {
            let mut text = Vec::new();
            for token in *packed {
                text.extend_from_slice(tokens.table.get(usize::from(*token))?);
                if text.len() > LONGEST {
                    return None;
                }
            }
            let (letter, name) = text.split_first()?;
            // Usually a letter; `?` where nm knew none.
            if !letter.is_ascii_graphic() {
                return None;
            }
            Some(Recovered { name: String::from_utf8_lossy(name).into_owned(), address: *address, letter: *letter })
        };
        self.packed.iter().zip(addresses).map(one).collect()
    }
}

/// Splits the names and checks every marker on the way. Lengths of 128 and more take two bytes (since 6.1).
fn walk<'bytes>(
    bytes: &'bytes [u8],
    from: usize,
    end: usize,
    count: usize,
    markers: &[u64],
) -> Option<Vec<&'bytes [u8]>> {
    let mut packed = Vec::with_capacity(count);
    let mut at = from;
    for number in 0..count {
        if number % 256 == 0 && markers.get(number / 256) != Some(&((at - from) as u64)) {
            return None;
        }
        let mut length = usize::from(*bytes.get(at)?);
        at += 1;
        if length & 0x80 != 0 {
            length = length & 0x7f | usize::from(*bytes.get(at)?) << 7;
            at += 1;
        }
        let name = bytes.get(at..at.checked_add(length)?)?;
        if length == 0 || at + length > end {
            return None;
        }
        packed.push(name);
        at += length;
    }
    (end - at < 8).then_some(packed)
}

/// The addresses of the names.
struct Addresses {
    values: Vec<u64>,
    form: AddressForm,
    based: bool,
}

impl Addresses {
    fn find(bytes: &[u8], tokens: &Tokens<'_>, names: &Names<'_>) -> Option<Self> {
        let count = names.packed.len();
        let aligned = (count * 4).next_multiple_of(8);
        let after = tokens.end.next_multiple_of(8);
        let offsets = |from: usize, base_at: usize, form| Self::relative(bytes, from, base_at, count, form);
        offsets(after, after + aligned, AddressForm::OffsetsAfter)
            .or_else(|| {
                let base_at = names.count_at.checked_sub(8)?;
                offsets(base_at.checked_sub(aligned)?, base_at, AddressForm::OffsetsBefore)
            })
            .or_else(|| Self::absolute(bytes, names.count_at.checked_sub(count * 8)?, count))
            .or_else(|| Self::absolute(bytes, after, count))
    }

    fn absolute(bytes: &[u8], from: usize, count: usize) -> Option<Self> {
        let values: Vec<u64> = (0..count).map(|at| number(bytes, from + at * 8, 8)).collect::<Option<_>>()?;
        let high = values.iter().filter(|value| **value >> 48 == 0xffff).count();
        (sorted(&values) && high * 2 > count).then_some(Self { values, form: AddressForm::Whole, based: true })
    }

    fn relative(bytes: &[u8], from: usize, base_at: usize, count: usize, form: AddressForm) -> Option<Self> {
        let stored = number(bytes, base_at, 8)?;
        let offsets: Vec<u32> = (0..count)
            .map(|at| number(bytes, from + at * 4, 4).and_then(|offset| u32::try_from(offset).ok()))
            .collect::<Option<_>>()?;
        // A relocatable arm64 kernel leaves the base to its relocations.
        let base = if stored == 0 { relocated(bytes, base_at) } else { Some(stored) };
        let based = base.is_some();
        let base = base.unwrap_or(0);
        if based && base >> 48 != 0xffff {
            return None;
        }
        // With absolute per-CPU symbols positive numbers are addresses, negative ones are below base - 1.
        let negative = offsets.iter().filter(|offset| (**offset).cast_signed() < 0).count();
        let percpu = negative * 2 > count;
        let value = |offset: &u32| match (percpu, offset.cast_signed() < 0) {
            (true, false) => u64::from(*offset),
            (true, true) => base.wrapping_sub(1).wrapping_add_signed(-i64::from(offset.cast_signed())),
            (false, _) => base.wrapping_add(u64::from(*offset)),
        };
        let values: Vec<u64> = offsets.iter().map(value).collect();
        (sorted(&values) && values.first() != values.last()).then_some(Self { values, form, based })
    }
}

/// Whether values rise, as the table is sorted; an odd one out is forgiven.
fn sorted(values: &[u64]) -> bool {
    let falls = values.windows(2).filter(|pair| pair[0] > pair[1]).count();
    falls <= values.len() / 1000
}

/// The value that a relocation `R_AARCH64_RELATIVE` or `R_RISCV_RELATIVE` puts at a place of a flat image: the base of
/// the symbols is the address at which the image begins, so that address minus value is the place's offset.
fn relocated(bytes: &[u8], at: usize) -> Option<u64> {
    [0x403_u64, 3].iter().find_map(|kind| {
        let kind = kind.to_le_bytes();
        memchr::memmem::find_iter(bytes, &kind).find_map(|found| {
            let from = found.checked_sub(8).filter(|from| from % 8 == 0)?;
            let (place, value) = (number(bytes, from, 8)?, number(bytes, from + 16, 8)?);
            (value >> 48 == 0xffff && place.wrapping_sub(value) == at as u64).then_some(value)
        })
    })
}
