//! Requests for parts of files whose bodies are taken apart into pages as they come.
//!
//! Who wants a page waits for that page, not for the end of the body: what is at the
//! beginning of a long request is computed with while the rest of it comes. A page that
//! is on its way for one query is not asked for by another one.

use std::ops::Range;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::sync::watch;

use super::disk_pages::PAGE;
use super::failure::ObjectError;
use super::file::File;
use super::objects::Objects;
use crate::tasks::Task;

/// Bytes between two pages that cost less than another request: what comes in the
/// time that a store takes to answer. Thanos's, too.
const GAP: u64 = 512 << 10;
/// Most bytes of a request.
const LONGEST: u64 = 32 << 20;

/// A request that is on its way, or done. It is given up when nobody has it.
#[derive(Debug)]
pub(super) struct Download {
    coming: Arc<Coming>,
    _task: Task<()>,
}

#[derive(Debug)]
struct Coming {
    /// The numbers of the pages that are wanted, ascending.
    wanted: Vec<u32>,
    /// Those that have come, from the first one on.
    pages: Mutex<Vec<Bytes>>,
    progress: watch::Sender<Progress>,
}

#[derive(Clone, Debug, Default)]
struct Progress {
    /// How many pages have come.
    pages: usize,
    /// Why no more come.
    failed: Option<ObjectError>,
}

impl Download {
    /// Asks for the part of a file that has the `wanted` pages.
    fn start(objects: &Objects, file: &File, wanted: Vec<u32>) -> Self {
        let range = part(&wanted, file.size);
        let coming = Arc::new(Coming {
            pages: Mutex::new(Vec::with_capacity(wanted.len())),
            progress: watch::Sender::new(Progress::default()),
            wanted,
        });
        let (of_task, name, to) = (objects.clone(), Arc::clone(&file.name), Arc::clone(&coming));
        let mut cutter = Cutter::new(Arc::clone(&coming), range.clone());
        let task = Task::spawn(objects.runtime(), async move {
            let streamed = of_task.stream_range(&name, range, move |bytes| cutter.take(&bytes));
            if let Err(error) = streamed.await {
                to.progress.send_modify(|p| p.failed = Some(error));
            }
        });
        Download {
            coming,
            _task: task,
        }
    }

    /// Those of the `missing` pages that this one brings are taken out of them.
    fn split(&self, missing: &mut Vec<u32>) -> Vec<u32> {
        let brings = |page: &u32| self.coming.wanted.binary_search(page).is_ok();
        let brought = missing.iter().copied().filter(brings).collect();
        missing.retain(|page| !brings(page));
        brought
    }

    /// Waits for some of its pages, which ascend.
    ///
    /// # Errors
    /// When the request has failed before they came.
    pub async fn pages(&self, numbers: &[u32]) -> Result<Vec<(u32, Bytes)>, ObjectError> {
        let place = |number: &u32| self.coming.wanted.binary_search(number).ok();
        let Some(last) = numbers.last().and_then(place) else {
            return Ok(Vec::new());
        };
        let mut progress = self.coming.progress.subscribe();
        // The sender lives as long as this.
        let _ = progress
            .wait_for(|p| p.pages > last || p.failed.is_some())
            .await;
        let progress = progress.borrow();
        if let Some(error) = progress.failed.as_ref().filter(|_| progress.pages <= last) {
            return Err(error.clone());
        }
        let pages = self.coming.pages.lock();
        let page = |number: &u32| Some((*number, pages.get(place(number)?)?.clone()));
        Ok(numbers.iter().filter_map(page).collect())
    }

    fn has_failed(&self) -> bool {
        self.coming.progress.borrow().failed.is_some()
    }
}

/// Takes a body apart.
struct Cutter {
    coming: Arc<Coming>,
    /// Where the body is in the file.
    range: Range<u64>,
    /// The place of the next page among those that are wanted.
    next: usize,
    /// What has come of it.
    page: Vec<u8>,
}

impl Cutter {
    fn new(coming: Arc<Coming>, range: Range<u64>) -> Self {
        Cutter {
            coming,
            range,
            next: 0,
            page: Vec::new(),
        }
    }

    /// Takes the next bytes of the body.
    fn take(&mut self, mut bytes: &[u8]) {
        let mut done: Vec<Bytes> = Vec::new();
        while let Some(&number) = self.coming.wanted.get(self.next) {
            let start = u64::from(number) * PAGE;
            let end = (start + PAGE).min(self.range.end);
            // What is between two pages is not kept.
            let gap = start
                .saturating_sub(self.range.start)
                .min(bytes.len() as u64);
            let length = (end - start - self.page.len() as u64).min(bytes.len() as u64 - gap);
            let part = &bytes[gap as usize..(gap + length) as usize];
            if self.page.is_empty() && !part.is_empty() {
                self.page.reserve_exact((end - start) as usize);
            }
            self.page.extend_from_slice(part);
            self.range.start += gap + length;
            bytes = &bytes[(gap + length) as usize..];
            if (self.page.len() as u64) < end - start {
                break;
            }
            done.push(std::mem::take(&mut self.page).into());
            self.next += 1;
        }
        if !done.is_empty() {
            self.coming.pages.lock().append(&mut done);
            let pages = self.next;
            self.coming.progress.send_modify(|p| p.pages = pages);
        }
    }
}

/// The downloads that somebody has, by the keys of their files.
#[derive(Debug, Default)]
pub(super) struct Downloads(Mutex<FxHashMap<(u64, u32), Known>>);

type Known = Vec<Weak<Download>>;

/// Some pages, and the request that brings them.
pub(super) type Brought = (Arc<Download>, Vec<u32>);

impl Downloads {
    /// The requests that bring some of the `missing` pages already, which are taken out.
    pub fn running(&self, file: &File, missing: &mut Vec<u32>) -> Vec<Brought> {
        match self.0.lock().get(&file.key) {
            Some(known) => running(known, missing),
            None => Vec::new(),
        }
    }

    /// Asks for those of the `missing` pages that no request brings yet, and lets go of
    /// requests that nobody has any more.
    pub fn ask(&self, objects: &Objects, file: &File, mut missing: Vec<u32>) -> Vec<Brought> {
        if missing.is_empty() {
            return Vec::new();
        }
        let mut all = self.0.lock();
        all.retain(|_, known| {
            known.retain(|download| download.strong_count() > 0);
            !known.is_empty()
        });
        let known = all.entry(file.key).or_default();
        let mut brought = running(known, &mut missing);
        for pages in joined(&missing, file.size) {
            let download = Arc::new(Download::start(objects, file, pages.clone()));
            known.push(Arc::downgrade(&download));
            brought.push((download, pages));
        }
        brought
    }

    /// Lets nobody else have the requests for a file, since what they brought is damaged.
    pub fn forget(&self, file: &File) {
        self.0.lock().remove(&file.key);
    }
}

fn running(known: &[Weak<Download>], missing: &mut Vec<u32>) -> Vec<Brought> {
    let alive = known.iter().filter_map(Weak::upgrade);
    let brings = alive.filter(|download| !download.has_failed());
    let split = brings.map(|download| {
        let pages = download.split(missing);
        (download, pages)
    });
    split.filter(|(_, pages)| !pages.is_empty()).collect()
}

/// The part of a file that has some pages, which ascend.
fn part(pages: &[u32], size: u64) -> Range<u64> {
    let [first, last] = [pages.first(), pages.last()].map(|page| page.copied().unwrap_or(0));
    u64::from(first) * PAGE..((u64::from(last) + 1) * PAGE).min(size)
}

/// The pages of each request, of some that ascend.
fn joined(pages: &[u32], size: u64) -> Vec<Vec<u32>> {
    let mut requests: Vec<Vec<u32>> = Vec::new();
    for &page in pages {
        let next = part(&[page], size);
        match requests.last_mut() {
            Some(last)
                if next.start - part(last, size).end <= GAP
                    && next.end - part(last, size).start <= LONGEST =>
            {
                last.push(page);
            }
            _ => requests.push(vec![page]),
        }
    }
    requests
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;
    use crate::bucket::testing::{Gated, RUNTIME};

    #[test]
    fn pages_are_there_before_the_end_of_the_body() {
        let gated = Gated::new();
        let download = Download::start(&gated.objects, &gated.file, (0..=10).collect());
        gated.gate.add_permits(3);
        let first = RUNTIME.block_on(download.pages(&[0, 2])).unwrap();
        let first: Vec<_> = first
            .iter()
            .map(|(page, bytes)| (*page, bytes[0]))
            .collect();
        assert_eq!(first, [(0, 0), (2, 2)]);
        assert!(download.pages(&[1, 3]).now_or_never().is_none());
        gated.gate.add_permits(8);
        let last = RUNTIME.block_on(download.pages(&[3, 10])).unwrap();
        assert_eq!((last.len(), last[1].1.len()), (2, 9));
    }

    #[test]
    fn what_was_asked_for_again_is_what_had_not_come() {
        let gated = Gated::new();
        let Gated {
            store,
            objects,
            file,
            ..
        } = &gated;
        gated.gate.add_permits(1000);
        store.behaviour.lock().failures = 30;
        let mut ranges = 0;
        for start in 0..10u64 {
            let got = objects.get_range(&file.name, start * PAGE + 5..file.size);
            let got = RUNTIME.block_on(got).unwrap();
            let wanted = &store.bytes("file")[(start * PAGE) as usize + 5..];
            assert!(got == wanted);
            let asked = store.asked();
            assert_eq!(asked.bytes, wanted.len() as u64);
            ranges += asked.ranges;
        }
        assert!(ranges > 10, "{ranges}");
    }

    /// The one request for some pages, if it is one.
    fn only(pages: &[u32], size: u64) -> Option<Range<u64>> {
        let mut all = joined(pages, size).into_iter();
        all.next()
            .filter(|_| all.next().is_none())
            .map(|pages| part(&pages, size))
    }

    #[test]
    fn near_pages_are_one_request() {
        let far = (GAP / PAGE) as u32;
        let size = 1 << 40;
        assert_eq!(only(&[0, 1, 3], size), Some(0..4 * PAGE));
        let whole = 0..(u64::from(far) + 2) * PAGE;
        assert_eq!(only(&[0, far + 1], size), Some(whole));
        assert_eq!(joined(&[0, far + 2], size).len(), 2);
        let all: Vec<u32> = (0..(2 * LONGEST / PAGE) as u32).collect();
        let halves = joined(&all, size);
        let halves: Vec<_> = halves.iter().map(|pages| part(pages, size)).collect();
        assert_eq!(halves, [0..LONGEST, LONGEST..2 * LONGEST]);
        assert_eq!(only(&[1], PAGE + 5), Some(PAGE..PAGE + 5));
    }

    #[test]
    fn bodies_are_cut_into_pages_wherever_they_break() {
        let size = 9 * PAGE + 77;
        let body: Vec<u8> = (0..size).map(|at| (at / 61) as u8).collect();
        let wanted = vec![2, 3, 6, 9];
        for step in [
            1usize,
            7,
            4096,
            PAGE as usize,
            PAGE as usize + 1,
            size as usize,
        ] {
            let coming = Arc::new(Coming {
                wanted: wanted.clone(),
                pages: Mutex::default(),
                progress: watch::Sender::new(Progress::default()),
            });
            let range = part(&wanted, size);
            let mut cutter = Cutter::new(Arc::clone(&coming), range.clone());
            for piece in body[range.start as usize..range.end as usize].chunks(step) {
                cutter.take(piece);
                assert_eq!(coming.progress.borrow().pages, coming.pages.lock().len());
            }
            let pages = coming.pages.lock();
            assert_eq!(pages.len(), wanted.len());
            for (&number, page) in wanted.iter().zip(&*pages) {
                let at = part(&[number], size);
                assert_eq!(page[..], body[at.start as usize..at.end as usize], "{step}");
            }
        }
    }
}
