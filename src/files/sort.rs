//! Sorting, with one copy of the algorithm in the program: the standard library's is compiled again
//! for each type, at 4 KB each.

use std::cmp::Ordering;
use std::mem;

/// Sorts things by their paths, bytewise.
pub fn sort_by_path<T>(list: &mut Vec<T>, path: impl Fn(&T) -> &str) {
    let paths: Vec<&str> = list.iter().map(path).collect();
    let mut order: Vec<usize> = (0..paths.len()).collect();
    sort(&mut order, &|a, b| paths.get(*a).cmp(&paths.get(*b)));
    let mut unsorted: Vec<Option<T>> = mem::take(list).into_iter().map(Some).collect();
    let take = |place| unsorted.get_mut(place).and_then(Option::take);
    list.extend(order.into_iter().filter_map(take));
}

fn sort(places: &mut [usize], order: &dyn Fn(&usize, &usize) -> Ordering) {
    places.sort_by(order);
}
