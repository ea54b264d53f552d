//! A symbol file with everything that was read from it so far: symbols, units, tables, each when first asked for.

use super::cache::{Cache, Kind};
#[cfg(feature = "cli")]
use super::direct::Direct;
use super::dwarf::{UnitRange, UnitRanges, read_table, sections, unit_ranges};
use super::elf::{Elf, ElfError};
use super::names::SymbolTable;
use super::place::{Place, demangled};
use super::table::{Table, TablePlace};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// A kernel or a module.
#[derive(Debug)]
pub struct Binary {
    /// The file.
    pub elf: Elf,
    cache: Option<Cache>,
    symbols: OnceLock<SymbolTable>,
    ranges: OnceLock<UnitRanges>,
    banner: OnceLock<Option<String>>,
    fresh: Mutex<BTreeMap<u64, Arc<[u8]>>>,
    #[cfg(feature = "cli")]
    direct: OnceLock<Option<Direct>>,
}

impl Binary {
    /// Opens a file. `cache_home` is the folder of index caches; without one, nothing is kept.
    ///
    /// # Errors
    /// [`ElfError`].
    pub fn open(path: &Path, cache_home: Option<&Path>) -> Result<Self, ElfError> {
        Ok(Self::of(Elf::open(path)?, cache_home))
    }

    /// The same for a file that is open.
    #[must_use]
    pub fn of(elf: Elf, cache_home: Option<&Path>) -> Self {
        // Without a build id nothing says that tomorrow's file of this name is the same.
        let cache = cache_home
            .zip(elf.build_id.as_ref())
            .map(|(home, id)| Cache::open(&home.join("symbols").join(format!("{id}-{:08x}", elf.fingerprint))));
        Self {
            elf,
            cache,
            symbols: OnceLock::new(),
            ranges: OnceLock::new(),
            banner: OnceLock::new(),
            fresh: Mutex::default(),
            #[cfg(feature = "cli")]
            direct: OnceLock::new(),
        }
    }

    fn cached(&self, kind: Kind, key: u64) -> Option<&[u8]> {
        self.cache.as_ref()?.get(kind, key)
    }

    /// Its symbols.
    #[must_use]
    pub fn symbols(&self) -> &SymbolTable {
        self.symbols.get_or_init(|| {
            self.cached(Kind::Symbols, 0)
                .and_then(SymbolTable::of_bytes)
                .unwrap_or_else(|| SymbolTable::of_elf(&self.elf))
        })
    }

    /// The kernel's banner, if it is one.
    #[must_use]
    pub fn banner(&self) -> Option<&str> {
        self.banner
            .get_or_init(|| match self.cached(Kind::Banner, 0) {
                Some(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()).filter(|banner| !banner.is_empty()),
                None => self.elf.banner(),
            })
            .as_deref()
    }

    fn ranges(&self) -> &UnitRanges {
        self.ranges.get_or_init(|| match self.cached(Kind::Ranges, 0) {
            Some(bytes) => ranges_of_bytes(bytes),
            None => unit_ranges(&self.elf),
        })
    }

    /// The unit that covers an address.
    fn unit(&self, address: u64) -> Option<u64> {
        self.ranges().find(address)
    }

    fn has_table(&self, unit: u64) -> bool {
        self.fresh.lock().is_ok_and(|fresh| fresh.contains_key(&unit)) || self.cached(Kind::Unit, unit).is_some()
    }

    /// What `addr2line` says of an address, where no index is kept: of modules, and of files that no cache can know again.
    #[cfg(feature = "cli")]
    fn direct_places(&self, address: u64) -> Option<Vec<Place>> {
        if self.cache.is_some() && !self.elf.relocatable || !self.elf.is_code(address) {
            return None;
        }
        self.direct.get_or_init(|| Direct::of(&self.elf)).as_ref()?.places(address)
    }

    /// The library alone has one reader for all files.
    #[cfg(not(feature = "cli"))]
    fn direct_places(&self, _address: u64) -> Option<Vec<Place>> {
        None
    }

    /// Reads what many look-ups will need, on all processors.
    pub fn prepare(&self, addresses: &[u64]) {
        let units: BTreeSet<u64> = addresses.iter().filter_map(|address| self.unit(*address)).collect();
        let units: Vec<u64> = units.into_iter().filter(|unit| !self.has_table(*unit)).collect();
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8).min(units.len() / 4);
        if threads < 2 {
            return;
        }
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let dwarf = sections(&self.elf);
                    while let Some(unit) = units.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let table = read_table(&self.elf, &dwarf, *unit);
                        if let Ok(mut fresh) = self.fresh.lock() {
                            fresh.insert(*unit, table.into());
                        }
                    }
                });
            }
        });
    }

    fn with_table<T>(&self, unit: u64, read: impl FnOnce(Table<'_>) -> T) -> Option<T> {
        let known = self.fresh.lock().ok()?.get(&unit).cloned();
        if let Some(bytes) = known {
            return Table::of(&bytes).map(read);
        }
        if let Some(table) = self.cached(Kind::Unit, unit).and_then(Table::of) {
            return Some(read(table));
        }
        let bytes: Arc<[u8]> = read_table(&self.elf, &sections(&self.elf), unit).into();
        self.fresh.lock().ok()?.insert(unit, Arc::clone(&bytes));
        Table::of(&bytes).map(read)
    }

    /// Whether the debug information has a line for an address.
    #[must_use]
    pub fn has_line(&self, address: u64) -> bool {
        self.unit(address)
            .and_then(|unit| {
                self.with_table(unit, |table| table.places(address).iter().any(|place| place.file.is_some()))
            })
            .unwrap_or(false)
    }

    /// The places that an address stands for, the innermost inlined function first, perhaps without discriminators. Where the
    /// debug information has none, the symbol's name alone; nothing if that is unknown too.
    #[must_use]
    pub fn places(&self, address: u64) -> Vec<Place> {
        match self.direct_places(address) {
            Some(places) => self.with_symbol(places, address),
            None => self.places_with_discriminators(address),
        }
    }

    /// The same with discriminators, as `decode_stacktrace.sh` prints them.
    #[must_use]
    pub fn places_with_discriminators(&self, address: u64) -> Vec<Place> {
        let places = self
            .unit(address)
            .and_then(|unit| {
                self.with_table(unit, |table| {
                    let owned = |text: Option<&str>| text.map(str::to_owned);
                    let place = |place: &TablePlace<'_>| Place {
                        function: place.function.map(demangled),
                        file: owned(place.file),
                        line: place.line,
                        discriminator: place.discriminator,
                    };
                    table.places(address).iter().map(place).collect::<Vec<_>>()
                })
            })
            .unwrap_or_default();
        self.with_symbol(places, address)
    }

    /// Where the outermost function has no name (assembly), the symbol's.
    fn with_symbol(&self, mut places: Vec<Place>, address: u64) -> Vec<Place> {
        if places.last().is_none_or(|place| place.function.is_none()) {
            let name = self.elf.is_code(address).then(|| self.symbols().covering(address)).flatten();
            let name = name.map(|symbol| demangled(symbol.name));
            match places.last_mut() {
                Some(place) => place.function = name,
                None => places.extend(name.map(|name| Place { function: Some(name), ..Place::default() })),
            }
        }
        places
    }

    /// Reads every unit, so that the cache holds the whole file. Returns how many there are.
    pub fn prepare_all(&self) -> usize {
        let begins: Vec<u64> = self.ranges().as_slice().iter().map(|range| range.begin).collect();
        self.prepare(&begins);
        begins.iter().filter(|begin| self.has_line(**begin)).count()
    }

    /// Keeps what was newly read in the index cache. A cache that cannot be written costs only time.
    pub fn save(&self) {
        let (Some(cache), Ok(fresh)) = (&self.cache, self.fresh.lock()) else { return };
        let symbols = match self.symbols.get() {
            Some(symbols) if self.cached(Kind::Symbols, 0).is_none() => Some(symbols.to_bytes()),
            _ => None,
        };
        let ranges = match self.ranges.get() {
            Some(ranges) if self.cached(Kind::Ranges, 0).is_none() => Some(bytes_of_ranges(ranges)),
            _ => None,
        };
        let banner = match self.banner.get() {
            Some(banner) if self.cached(Kind::Banner, 0).is_none() => Some(banner.clone().unwrap_or_default()),
            _ => None,
        };
        let mut new: Vec<(Kind, u64, &[u8])> = Vec::new();
        new.extend(symbols.as_ref().map(|bytes| (Kind::Symbols, 0, &bytes[..])));
        new.extend(ranges.as_ref().map(|bytes| (Kind::Ranges, 0, &bytes[..])));
        new.extend(banner.as_ref().map(|banner| (Kind::Banner, 0, banner.as_bytes())));
        new.extend(fresh.iter().map(|(unit, bytes)| (Kind::Unit, *unit, &bytes[..])));
        let _ = cache.add(&new);
    }
}

fn bytes_of_ranges(ranges: &UnitRanges) -> Vec<u8> {
    ranges.as_slice().iter().flat_map(|range| [range.begin, range.end, range.unit]).flat_map(u64::to_le_bytes).collect()
}

fn ranges_of_bytes(bytes: &[u8]) -> UnitRanges {
    let number = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes).unwrap_or(0);
    let range = |row: &[u8]| UnitRange { begin: number(&row[..8]), end: number(&row[8..16]), unit: number(&row[16..]) };
    UnitRanges::new(bytes.chunks_exact(24).map(range).collect())
}
