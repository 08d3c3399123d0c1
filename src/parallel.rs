//! The same work on many items, on every core, in an order that does not show.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use anyhow::Result;

/// Fewer items than this are not worth a second thread.
const WORTH_IT: usize = 64;

/// Items handed to a thread at once.
const BATCH: usize = 16;

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
    if items.len() < WORTH_IT {
        let mut tool = T::default();
        return items.iter().map(|item| work(item, &mut tool)).collect();
    }
    let batches: Vec<&[I]> = items.chunks(BATCH).collect();
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
    use anyhow::bail;

    use super::*;

    #[test]
    fn keeps_the_order_and_leaves_nothing_out() {
        for count in [0, 1, WORTH_IT - 1, WORTH_IT, 1000, 1001] {
            let items: Vec<usize> = (0..count).collect();
            let doubled = map(&items, |item, (): &mut ()| Ok(item * 2)).unwrap();
            assert_eq!(
                doubled,
                items.iter().map(|item| item * 2).collect::<Vec<_>>()
            );
        }
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
