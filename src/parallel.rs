//! The same work on many items, on every core, in an order that does not show.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use anyhow::Result;

/// How work is dealt out to threads.
#[derive(Clone, Copy)]
struct Dealing {
    /// Items handed to a thread at once.
    batch: usize,
    /// Fewer items than this are not worth a second thread.
    worth_it: usize,
}

/// Items that cost as much as a small file.
const SMALL: Dealing = Dealing {
    batch: 16,
    worth_it: 64,
};

/// Items that cost as much as a whole folder.
const LARGE: Dealing = Dealing {
    batch: 1,
    worth_it: 2,
};

/// More threads than this wait for the file system, not for a core.
const MAX_THREADS: usize = 4;

/// `work` on each of `items`, in their order. Each thread has one `T::default()` to work with.
///
/// # Errors
/// That of the first item, in their order, for which `work` fails; later items may then be left out.
pub fn map<I: Sync, T: Default, O: Send>(
    items: &[I],
    work: impl Fn(&I, &mut T) -> Result<O> + Sync,
) -> Result<Vec<O>> {
    deal(items, SMALL, work)
}

/// As [`map`], for few items that are much work each.
///
/// # Errors
/// As [`map`].
pub fn map_large<I: Sync, T: Default, O: Send>(
    items: &[I],
    work: impl Fn(&I, &mut T) -> Result<O> + Sync,
) -> Result<Vec<O>> {
    deal(items, LARGE, work)
}

fn deal<I: Sync, T: Default, O: Send>(
    items: &[I],
    dealing: Dealing,
    work: impl Fn(&I, &mut T) -> Result<O> + Sync,
) -> Result<Vec<O>> {
    if items.len() < dealing.worth_it {
        let mut tool = T::default();
        return items.iter().map(|item| work(item, &mut tool)).collect();
    }
    let batches: Vec<&[I]> = items.chunks(dealing.batch).collect();
    let done = Mutex::new(Vec::with_capacity(batches.len()));
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let worker = || {
        let mut tool = T::default();
        // Batches are begun in order, so when one fails all before it are still brought to their end.
        while !failed.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(batch) = batches.get(number) else {
                break;
            };
            let result: Result<Vec<O>> = batch.iter().map(|item| work(item, &mut tool)).collect();
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            if let Ok(mut done) = done.lock() {
                done.push((number, result));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..thread::available_parallelism().map_or(1, |cores| cores.get().min(MAX_THREADS))
        {
            // Without a second thread the first one does it all.
            let _ = thread::Builder::new().spawn_scoped(scope, worker);
        }
        worker();
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_unstable_by_key(|&(number, _)| number);
    let mut results = Vec::with_capacity(items.len());
    for (_, result) in done {
        results.extend(result?);
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;
    use std::time::{Duration, Instant};

    use anyhow::{bail, ensure};

    use super::*;

    #[test]
    fn keeps_the_order_and_leaves_nothing_out() {
        for count in [0, 1, SMALL.worth_it - 1, SMALL.worth_it, 1000, 1001] {
            let items: Vec<usize> = (0..count).collect();
            let expected: Vec<usize> = items.iter().map(|item| item * 2).collect();
            let double = |item: &usize, (): &mut ()| Ok(item * 2);
            assert_eq!(map(&items, double).unwrap(), expected);
            assert_eq!(map_large(&items, double).unwrap(), expected);
        }
    }

    #[test]
    fn two_large_items_are_worked_on_at_once() {
        if thread::available_parallelism().map_or(1, NonZero::get) == 1 {
            eprintln!("only one core: not tested");
            return;
        }
        let begun = AtomicUsize::new(0);
        let outcome = map_large(&[(), ()], |(), (): &mut ()| {
            begun.fetch_add(1, Ordering::SeqCst);
            let patience = Instant::now() + Duration::from_secs(20);
            while begun.load(Ordering::SeqCst) < 2 {
                ensure!(Instant::now() < patience, "one waited for the other");
                thread::sleep(Duration::from_millis(1));
            }
            Ok(())
        });
        assert!(outcome.is_ok(), "{outcome:?}");
    }

    #[test]
    fn gives_the_first_error() {
        let items: Vec<usize> = (0..1000).collect();
        for _ in 0..50 {
            let outcome = map(&items, |&item, (): &mut ()| {
                if item % 100 == 77 {
                    bail!("{item}");
                }
                Ok(item)
            });
            assert_eq!(outcome.unwrap_err().to_string(), "77");
        }
    }
}
