//! Work on the parts of a slice by several threads, where somebody waits for all of it.

use std::thread;

/// What comes of each part of so many items, at least one, in the order of the parts. This thread takes the first,
/// and those for which the system has no thread to give.
pub(crate) fn by_parts<T: Sync, R: Send>(
    items: &[T],
    n_each: usize,
    work: impl Fn(&[T]) -> R + Sync,
) -> Vec<R> {
    let work = &work;
    let mut parts = items.chunks(n_each.max(1));
    let Some(first) = parts.next() else { return Vec::new() };
    thread::scope(|scope| {
        let spawn = |part| (part, thread::Builder::new().spawn_scoped(scope, move || work(part)));
        let others: Vec<_> = parts.map(spawn).collect();
        let mut done = vec![work(first)];
        for (part, other) in others {
            let other = other.ok().and_then(|other| other.join().ok());
            done.push(other.unwrap_or_else(|| work(part)));
        }
        done
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_in_their_order() {
        let of = |n_items: usize, n_each| by_parts(&vec![(); n_items], n_each, <[()]>::len);
        assert_eq!(of(0, 3), Vec::<usize>::new());
        assert_eq!(of(3, 3), [3]);
        assert_eq!(of(7, 3), [3, 3, 1]);
        assert_eq!(of(2, 0), [1, 1]);
        let items: Vec<usize> = (0..1000).collect();
        assert_eq!(by_parts(&items, 7, <[usize]>::to_vec).concat(), items);
    }
}
