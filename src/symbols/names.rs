//! The symbol table: names, addresses, and the sizes that the kernel prints.

use super::elf::Elf;
use std::sync::OnceLock;

/// One symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Symbol<'table> {
    /// Its name.
    pub name: &'table str,
    /// Where it is linked.
    pub address: u64,
    /// Size as the file states it, bytes; 0 when it does not.
    pub size: u64,
    /// Distance to the next symbol above, which is what the kernel takes for the size, bytes.
    pub span: u64,
    /// The letter that `nm` prints.
    pub letter: u8,
}

/// Symbols in order of address.
#[derive(Debug, Default)]
pub struct SymbolTable {
    rows: Vec<Row>,
    text: Vec<u8>,
    by_name: OnceLock<Vec<u32>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    address: u64,
    size: u32,
    name: u32,
    length: u16,
    letter: u8,
    /// Order in the file, which decides between symbols of one name in `nm`'s output.
    order: u32,
}

/// Bytes of a [`Row`] in the cache.
const ROW: usize = 23;

impl SymbolTable {
    /// Reads the symbols of an ELF file.
    #[must_use]
    pub fn of_elf(elf: &Elf) -> Self {
        let mut table = Self::default();
        elf.each_symbol(|order, name, address, size, letter| {
            // Symbols that the kernel's own table leaves out too, or that are not places: they would end others too early.
            let ordinary = !(matches!(name, [b'$', ..] | [b'.', b'L', ..]) || letter == b'a' && address == 0);
            if ordinary {
                table.push(name, address, size, letter, order);
            }
        });
        table.sort();
        table
    }

    /// Reads text as `System.map` and `/proc/kallsyms` have it: `address letter name [module]`. Returns the symbols of the
    /// kernel itself; lines of another form are passed over.
    #[must_use]
    pub fn of_text(bytes: &[u8]) -> Self {
        let mut table = Self::default();
        for (order, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let mut words = line.split(|byte| matches!(byte, b' ' | b'\t' | b'\r')).filter(|word| !word.is_empty());
            let (Some(address), Some([letter]), Some(name), None) =
                (words.next(), words.next(), words.next(), words.next())
            else {
                continue;
            };
            let address = std::str::from_utf8(address).ok().and_then(|text| u64::from_str_radix(text, 16).ok());
            if let Some(address) = address.filter(|_| letter.is_ascii_graphic()) {
                table.push(name, address, 0, *letter, order);
            }
        }
        table.sort();
        table
    }

    /// The symbols of modules in a `/proc/kallsyms`, named `function [module]`.
    #[must_use]
    pub fn of_module_text(bytes: &[u8]) -> Self {
        let mut table = Self::default();
        for (order, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let Some(line) = std::str::from_utf8(line).ok().filter(|line| line.contains('[')) else { continue };
            let mut words = line.split_whitespace();
            let (Some(address), Some(letter), Some(name), Some(module)) =
                (words.next(), words.next(), words.next(), words.next())
            else {
                continue;
            };
            if let (Ok(address), [letter]) = (u64::from_str_radix(address, 16), letter.as_bytes()) {
                table.push(format!("{name} {module}").as_bytes(), address, 0, *letter, order);
            }
        }
        table.sort();
        table
    }

    /// A table of symbols given one by one: `(name, address, nm's letter)`.
    #[must_use]
    pub fn of_symbols<'name>(symbols: impl IntoIterator<Item = (&'name str, u64, u8)>) -> Self {
        let mut table = Self::default();
        for (order, (name, address, letter)) in symbols.into_iter().enumerate() {
            table.push(name.as_bytes(), address, 0, letter, order);
        }
        table.sort();
        table
    }

    fn push(&mut self, name: &[u8], address: u64, size: u64, letter: u8, order: usize) {
        let (Ok(length), Ok(at), Ok(order)) =
            (u16::try_from(name.len()), u32::try_from(self.text.len()), u32::try_from(order))
        else {
            return;
        };
        if std::str::from_utf8(name).is_err() {
            return;
        }
        self.text.extend_from_slice(name);
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        self.rows.push(Row { address, size, name: at, length, letter, order });
    }

    fn sort(&mut self) {
        self.rows.sort_unstable_by_key(|row| (row.address, row.order));
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// All symbols in order of address.
    pub fn iter(&self) -> impl Iterator<Item = Symbol<'_>> {
        (0..self.rows.len()).map(|at| self.symbol(at))
    }

    fn symbol(&self, at: usize) -> Symbol<'_> {
        let row = self.rows[at];
        let next = self.rows[at..].iter().take(4096).find(|next| next.address > row.address);
        Symbol {
            name: self.name(row),
            address: row.address,
            size: u64::from(row.size),
            span: next.map_or(u64::MAX, |next| next.address - row.address),
            letter: row.letter,
        }
    }

    fn name(&self, row: Row) -> &str {
        let bytes = self.text.get(row.name as usize..row.name as usize + usize::from(row.length)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or("")
    }

    fn by_name(&self) -> &[u32] {
        self.by_name.get_or_init(|| {
            let mut order: Vec<u32> = (0..u32::try_from(self.rows.len()).unwrap_or(0)).collect();
            order.sort_unstable_by(|one, other| {
                let (one, other) = (self.rows[*one as usize], self.rows[*other as usize]);
                self.name(one).cmp(self.name(other)).then(one.order.cmp(&other.order))
            });
            order
        })
    }

    /// All symbols of a name, in the order of the file.
    pub fn named<'table>(&'table self, name: &str) -> impl Iterator<Item = Symbol<'table>> + use<'table> {
        let wanted = name.to_owned();
        self.beginning(name).take_while(move |symbol| symbol.name == wanted)
    }

    /// All symbols whose names begin so, in the order of their names.
    pub fn beginning<'table>(&'table self, start: &str) -> impl Iterator<Item = Symbol<'table>> + use<'table> {
        let order = self.by_name();
        let from = order.partition_point(|at| self.name(self.rows[*at as usize]) < start);
        let start = start.to_owned();
        order[from..]
            .iter()
            .map(|at| self.symbol(*at as usize))
            .take_while(move |symbol| symbol.name.starts_with(&start))
    }

    /// The symbol that covers an address: the last one at or below it. Of several at one place a function with a stated
    /// size that covers it is preferred, then a global one, then the first in the file.
    #[must_use]
    pub fn covering(&self, address: u64) -> Option<Symbol<'_>> {
        let after = self.rows.partition_point(|row| row.address <= address);
        let last = self.rows[..after].last()?;
        let from = self.rows[..after].partition_point(|row| row.address < last.address);
        (from..after).map(|at| self.symbol(at)).min_by_key(|symbol| {
            let covers = symbol.size > 0 && address - symbol.address < symbol.size;
            let is_code = matches!(symbol.letter, b't' | b'T' | b'w' | b'W');
            (!covers, !is_code, !symbol.letter.is_ascii_uppercase())
        })
    }

    /// The table as bytes for the index cache.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let order = self.by_name();
        let mut out = Vec::with_capacity(8 + self.rows.len() * (ROW + 4) + self.text.len());
        out.extend_from_slice(&(self.rows.len() as u64).to_le_bytes());
        for row in &self.rows {
            out.extend_from_slice(&row.address.to_le_bytes());
            out.extend_from_slice(&row.size.to_le_bytes());
            out.extend_from_slice(&row.name.to_le_bytes());
            out.extend_from_slice(&row.length.to_le_bytes());
            out.push(row.letter);
            out.extend_from_slice(&row.order.to_le_bytes());
        }
        for at in order {
            out.extend_from_slice(&at.to_le_bytes());
        }
        out.extend_from_slice(&self.text);
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; `None` if it is damaged.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (count, rest) = bytes.split_first_chunk::<8>()?;
        let count = usize::try_from(u64::from_le_bytes(*count)).ok()?;
        let (rows, rest) = rest.split_at_checked(count.checked_mul(ROW)?)?;
        let (order, text) = rest.split_at_checked(count.checked_mul(4)?)?;
        let word = |bytes: &[u8], at: usize| -> Option<u32> {
            Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
        };
        let rows = rows
            .chunks_exact(ROW)
            .map(|row| {
                Some(Row {
                    address: u64::from_le_bytes(row.get(..8)?.try_into().ok()?),
                    size: word(row, 8)?,
                    name: word(row, 12)?,
                    length: u16::from_le_bytes(row.get(16..18)?.try_into().ok()?),
                    letter: row[18],
                    order: word(row, 19)?,
                })
            })
            .collect::<Option<Vec<_>>>()?;
        // Every look-up by address rests on that.
        if !rows.is_sorted_by_key(|row| row.address) {
            return None;
        }
        let order = order
            .chunks_exact(4)
            .map(|word| Some(u32::from_le_bytes(word.try_into().ok()?)).filter(|at| (*at as usize) < count))
            .collect::<Option<Vec<_>>>()?;
        let by_name = OnceLock::new();
        by_name.set(order).ok()?;
        Some(Self { rows, text: text.to_vec(), by_name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &[u8] = b"ffffffff81000000 T _text\nffffffff81000000 T startup_64\r\nffffffff81000010 t helper\nffffffff81000040 t helper\n\
        ffffffff81000080 T _etext\nrubbish\nffffffffa0000000 t in_module\t[lab]\n";

    #[test]
    fn text_gives_symbols_and_passes_over_modules_and_rubbish() {
        let table = SymbolTable::of_text(MAP);
        assert_eq!(table.len(), 5);
        let spans: Vec<u64> = table.named("helper").map(|symbol| symbol.span).collect();
        assert_eq!(spans, [0x30, 0x40]);
        assert_eq!(table.covering(0xffff_ffff_8100_0050).map(|symbol| symbol.address), Some(0xffff_ffff_8100_0040));
        assert!(table.covering(0x10).is_none());
        assert!(table.named("absent").next().is_none());
    }

    #[test]
    fn the_cached_form_gives_the_same_answers_and_damage_gives_none() {
        let table = SymbolTable::of_text(MAP);
        let bytes = table.to_bytes();
        let again = SymbolTable::of_bytes(&bytes).expect("bytes of its own making");
        assert!(table.iter().eq(again.iter()));
        assert!(table.named("helper").eq(again.named("helper")));
        for length in 0..8 + 5 * (ROW + 4) {
            assert!(SymbolTable::of_bytes(&bytes[..length]).is_none(), "cut at {length}");
        }
        let mut disordered = bytes;
        disordered[8..16].fill(0xff);
        assert!(SymbolTable::of_bytes(&disordered).is_none(), "the first symbol is the highest");
    }
}
