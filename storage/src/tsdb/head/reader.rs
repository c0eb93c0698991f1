//! Reads a head, and then only what is new.

use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, OnceLock};

use super::chunk_file;
use super::dir::{self, Numbered, WalListing, Watch};
use super::error::{HeadError, HeadWarning};
use super::index::SharedIndex;
use super::log::{self, Follower, Limit, Sink};
use super::record::{Log, Record, RefSample};
use super::state::{PAGE, State};
use super::view::{Head, HeadOptions};
use crate::tsdb::data_path::DataPath;

/// Most series whose complete chunks a refresh encodes: a few milliseconds of
/// work.
const COMPRESSED_AT_ONCE: usize = 512;
/// Capacity of the channel of decoded records.
const IN_FLIGHT: usize = 64;

/// Reads the head of a data directory and follows it as it grows.
///
/// [`HeadReader::refresh`] reads the records since the last call. After
/// Prometheus has truncated or repaired its logs it reads the whole head again:
/// about every two hours, the time of a block.
///
/// For a consistent view of blocks and head beside a running Prometheus, list
/// the blocks, refresh, list the blocks again, and start again if they changed:
/// samples are in a block before they leave the head.
#[derive(Debug)]
pub struct HeadReader {
    dir: DataPath,
    loaded: Loaded,
    head: Arc<Head>,
}

/// The replayed state and the positions in the logs.
#[derive(Debug)]
struct Loaded {
    state: State,
    wal: Follower,
    wbl: Follower,
    wal_watch: Watch,
    wbl_watch: Watch,
    checkpoint: Option<u64>,
    /// The first segment of the WAL behind the checkpoint.
    first_segment: u64,
    wbl_listing: Numbered,
    /// Lengths of the current segments of WAL and WBL before they were last read
    /// to the end.
    lengths: Option<(u64, u64)>,
    shared_index: Arc<SharedIndex>,
    /// Warnings about chunks, which are read once.
    warnings: Vec<HeadWarning>,
}

/// The directories of a head.
struct Layout {
    chunks: DataPath,
    wal: DataPath,
    wbl: DataPath,
}

impl Layout {
    fn of(dir: &DataPath) -> Layout {
        Layout {
            chunks: dir.join("chunks_head"),
            wal: dir.join("wal"),
            wbl: dir.join("wbl"),
        }
    }
}

impl HeadReader {
    /// Reads the head of the data directory `dir`. A directory without a head
    /// gives an empty one.
    ///
    /// # Errors
    /// [`HeadError::Changed`] if Prometheus changed the files meanwhile;
    /// [`HeadError::Corrupt`] and [`HeadError::MissingSegment`] where
    /// Prometheus would not start either; [`HeadError::Io`].
    pub fn open(dir: &Path, options: HeadOptions) -> Result<Self, HeadError> {
        let dir = DataPath::root(dir);
        let mut loaded = Loaded::load(&dir, options.min_valid_time_ms)?;
        let head = loaded.publish(None);
        Ok(HeadReader { dir, loaded, head })
    }

    /// The head at the last refresh.
    pub fn head(&self) -> Arc<Head> {
        self.head.clone()
    }

    /// Whether there were no logs at the last look, so that as long as the data
    /// directory does not change a refresh would find nothing.
    pub fn has_no_logs(&self) -> bool {
        self.loaded.wal_watch.was_absent() && self.loaded.wbl_watch.was_absent()
    }

    /// Whether a refresh would find nothing new. Takes a few microseconds.
    pub fn is_current(&self) -> bool {
        let loaded = &self.loaded;
        let lengths = loaded.lengths;
        lengths.is_some()
            && loaded.wal_watch.is_unchanged()
            && loaded.wbl_watch.is_unchanged()
            && loaded.lengths_now().ok() == lengths
    }

    /// Reads what is new and returns the current head. Drops in-order samples
    /// before `min_valid_time_ms`; an earlier value than before has no effect.
    ///
    /// # Errors
    /// As [`HeadReader::open`]. The reader stays usable.
    pub fn refresh(&mut self, min_valid_time_ms: i64) -> Result<Arc<Head>, HeadError> {
        let result = self.follow(min_valid_time_ms);
        if result.is_err() {
            // The next refresh must see the cause again.
            self.loaded.look_again();
        }
        result
    }

    fn follow(&mut self, min_valid_time_ms: i64) -> Result<Arc<Head>, HeadError> {
        if self.loaded.was_replaced()? {
            return self.reload(min_valid_time_ms);
        }
        let loaded = &mut self.loaded;
        // Records of the WBL refer to series of earlier records in the WAL. So
        // take the end of the WBL, read the WAL, then the WBL up to that end.
        let limit = end_of(&loaded.wbl_listing)?;
        let lengths = (loaded.wal.length()?, limit.1);
        let Loaded {
            state, wal, wbl, ..
        } = loaded;
        state.set_min_valid_time(min_valid_time_ms);
        let segment = wal.number();
        let stopped = (wal.warning().cloned(), wbl.warning().cloned());
        wal.poll(None, &mut |record| state.apply_wal(record))?;
        wbl.poll(Some(limit), &mut |record| state.apply_wbl(record))?;
        let changed = state.changed || stopped != (wal.warning().cloned(), wbl.warning().cloned());
        // Some of the segments may have been deleted meanwhile.
        if wal.number() != segment && loaded.was_replaced()? {
            return self.reload(min_valid_time_ms);
        }
        // Lengths of previous segments do not matter.
        let loaded = &mut self.loaded;
        loaded.lengths = (loaded.wal.number() == segment).then_some(lengths);
        if changed {
            self.loaded.state.compress(COMPRESSED_AT_ONCE);
            self.head = self.loaded.publish(Some(&self.head));
        }
        Ok(self.head())
    }

    fn reload(&mut self, min_valid_time_ms: i64) -> Result<Arc<Head>, HeadError> {
        let min_valid_time = self.loaded.state.min_valid_time.max(min_valid_time_ms);
        self.loaded = Loaded::load(&self.dir, min_valid_time)?;
        self.head = self.loaded.publish(None);
        Ok(self.head())
    }
}

impl Head {
    /// Reads the head of the data directory `dir`: `chunks_head`, `wal` and
    /// `wbl`.
    ///
    /// # Errors
    /// As [`HeadReader::open`].
    pub fn read(dir: &Path, options: HeadOptions) -> Result<Arc<Head>, HeadError> {
        HeadReader::open(dir, options).map(|reader| reader.head())
    }
}

/// The current end of a log.
fn end_of(listing: &Numbered) -> Result<Limit, HeadError> {
    let Some(last) = listing.files.last() else {
        return Ok((0, 0));
    };
    let path = listing.path(last);
    let length = path.metadata().map_err(|e| HeadError::io(&path, e))?.len();
    Ok((last.0, length))
}

impl Loaded {
    /// Forgets what was seen of the directories, so that they are listed again.
    fn look_again(&mut self) {
        self.wal_watch = Watch::new(self.wal_watch.dir());
        self.wbl_watch = Watch::new(self.wbl_watch.dir());
        self.lengths = None;
    }

    fn lengths_now(&self) -> Result<(u64, u64), HeadError> {
        Ok((self.wal.length()?, end_of(&self.wbl_listing)?.1))
    }

    /// Whether Prometheus has deleted or replaced what was read, so that the
    /// head must be read again.
    fn was_replaced(&mut self) -> Result<bool, HeadError> {
        if self.wal_watch.may_have_changed() {
            let listing = dir::list_wal(self.wal_watch.dir())?;
            if listing.checkpoint.map(|c| c.0) != self.checkpoint || self.wal.was_replaced()? {
                return Ok(true);
            }
        }
        if self.wbl_watch.may_have_changed() {
            let listing = dir::list_numbered(self.wbl_watch.dir())?;
            match (self.wbl_listing.first(), listing.first()) {
                (None, Some(first)) => self.wbl = Follower::new(Log::Wbl, &listing.dir, first),
                (before, now) if before != now || self.wbl.was_replaced()? => return Ok(true),
                _ => {}
            }
            self.wbl_listing = listing;
        }
        Ok(false)
    }

    fn load(dir: &DataPath, min_valid_time: i64) -> Result<Loaded, HeadError> {
        let layout = Layout::of(dir);
        let wal = dir::list_wal(&layout.wal)?;
        let wbl = dir::list_numbered(&layout.wbl)?;
        let chunks = dir::list_numbered(&layout.chunks)?;
        let loaded = Loaded::read(&layout, min_valid_time, &wal, &wbl, &chunks);
        // If the listings have not changed, no file was deleted meanwhile. A
        // changed listing also explains a missing file.
        let changed = |dir: &DataPath| {
            Err(HeadError::Changed {
                path: dir.shown().into(),
            })
        };
        if dir::list_wal(&layout.wal)?.checkpoint != wal.checkpoint {
            return changed(&layout.wal);
        }
        if wbl.first().is_some() && dir::list_numbered(&layout.wbl)?.first() != wbl.first() {
            return changed(&layout.wbl);
        }
        if chunks.first().is_some() && dir::list_numbered(&layout.chunks)?.first() != chunks.first()
        {
            return changed(&layout.chunks);
        }
        loaded
    }

    fn read(
        layout: &Layout,
        min_valid_time: i64,
        wal: &WalListing,
        wbl: &Numbered,
        chunks: &Numbered,
    ) -> Result<Loaded, HeadError> {
        let limit = end_of(wbl)?;
        let checkpoint = match &wal.checkpoint {
            Some((_, dir)) => {
                let listing = dir::list_numbered(dir)?;
                listing.files.iter().map(|f| listing.path(f)).collect()
            }
            None => Vec::new(),
        };
        let stored = match checkpoint.first() {
            Some(first) => log::read_min_valid_time(first)?,
            None => None,
        };
        let min_valid_time = stored.map_or(min_valid_time, |t| t.max(min_valid_time));
        let mut warnings = Vec::new();
        let disk = chunk_file::read_all(chunks, min_valid_time, &mut warnings)?;
        let mut state = State::new(min_valid_time, disk);
        let first = first_segment(wal)?;
        let wal_log = replay(
            |sink| {
                log::read_checkpoint(checkpoint.into_iter(), sink)?;
                let mut log = Follower::new(Log::Wal, &layout.wal, first);
                log.poll(None, sink)?;
                Ok(log)
            },
            |record| state.apply_wal(record),
        )?;
        state.end_of_start();
        let wbl_log = replay(
            |sink| {
                let mut log = Follower::new(Log::Wbl, &layout.wbl, wbl.first().unwrap_or(0));
                log.poll(Some(limit), sink)?;
                Ok(log)
            },
            |record| state.apply_wbl(record),
        )?;
        Ok(Loaded {
            state,
            wal: wal_log,
            wbl: wbl_log,
            // The listings are older than the watches, so the next refresh
            // lists again.
            wal_watch: Watch::new(&layout.wal),
            wbl_watch: Watch::new(&layout.wbl),
            checkpoint: wal.checkpoint.as_ref().map(|c| c.0),
            first_segment: first,
            wbl_listing: wbl.clone(),
            lengths: None,
            shared_index: Arc::default(),
            warnings,
        })
    }

    /// Makes a view of the state. It shares unchanged pages with the previous
    /// view.
    fn publish(&mut self, before: Option<&Head>) -> Arc<Head> {
        let state = &mut self.state;
        let mut pages = before.map_or(Vec::new(), |head| head.pages.clone());
        for (page, dirty) in state.dirty.iter_mut().enumerate() {
            if !*dirty && page < pages.len() {
                continue;
            }
            *dirty = false;
            let from = page * PAGE;
            let to = (from + PAGE).min(state.series.len());
            let new = Arc::new(state.series[from..to].to_vec());
            match pages.get_mut(page) {
                Some(old) => *old = new,
                None => pages.push(new),
            }
        }
        state.changed = false;
        let mut warnings = self.warnings.clone();
        warnings.extend(self.wal.warning().cloned());
        warnings.extend(self.wbl.warning().cloned());
        state.warnings(&mut warnings);
        Arc::new(Head {
            symbols: state.interner.symbols.clone(),
            pages,
            length: state.series.len() as u32,
            min_valid_time: state.min_valid_time,
            warnings,
            segments: (self.first_segment, self.wal.number()),
            exemplars: Arc::clone(&state.exemplars.ring),
            metadata: Arc::clone(&state.metadata.by_series),
            shared_index: self.shared_index.clone(),
            index: OnceLock::new(),
            time_ranges: OnceLock::new(),
        })
    }
}

/// The first segment to read after the checkpoint.
fn first_segment(wal: &WalListing) -> Result<u64, HeadError> {
    let first = wal.checkpoint.as_ref().map_or(0, |c| c.0 + 1);
    match wal.segments.first() {
        // An error in Prometheus, too: labels of series may be missing.
        Some(there) if there > first => Err(HeadError::MissingSegment {
            dir: wal.segments.dir.shown().into(),
            missing: first,
        }),
        _ => Ok(first),
    }
}

/// Runs `read`, which reads and decodes records, on another thread while this
/// one applies them.
fn replay<T: Send>(
    read: impl FnOnce(&mut Sink<'_>) -> Result<T, HeadError> + Send,
    mut apply: impl FnMut(Record) -> Vec<RefSample>,
) -> Result<T, HeadError> {
    let (records, received) = mpsc::sync_channel::<Record>(IN_FLIGHT);
    let (spent, reused) = mpsc::channel::<Vec<RefSample>>();
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || {
            read(&mut |record| {
                // The receiver is gone only after a panic.
                let _ = records.send(record);
                reused.try_recv().unwrap_or_default()
            })
        });
        for record in received {
            let memory = apply(record);
            if memory.capacity() > 0 {
                let _ = spent.send(memory);
            }
        }
        match reading.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
