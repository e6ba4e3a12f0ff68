//! Values made from others, kept until one of those changes: what is drawn sixty times a second is found once.
//!
//! A [`Derived`] holds a value with the key it was made for. Keys are made of what the value depends on: shared values by
//! identity ([`Same`]), anything else by a revision number or by value. Asking with an equal key costs a comparison.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::{Arc, Weak};

thread_local! {
    static MADE: Cell<u64> = const { Cell::new(0) };
}

/// How many derived values were made on this thread so far. It stands still while frames are painted and nothing changes.
pub fn made() -> u64 {
    MADE.get()
}

/// A shared value as part of a key: equal only to itself. It keeps the value's place in memory, so that no other one can
/// take it meanwhile, but not the value: a panel that is not on screen holds no dataset.
#[derive(Debug)]
pub struct Same<T: ?Sized>(Option<Weak<T>>);

impl<T: ?Sized> Same<T> {
    /// The identity of a value.
    pub fn of(value: &Arc<T>) -> Self {
        Self(Some(Arc::downgrade(value)))
    }

    /// The value itself, as long as somebody else holds it.
    pub fn get(&self) -> Option<Arc<T>> {
        self.0.as_ref()?.upgrade()
    }

    /// The identity of a value that may be missing.
    pub fn maybe(value: Option<&Arc<T>>) -> Self {
        Self(value.map(Arc::downgrade))
    }
}

impl<T: ?Sized> Default for Same<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: ?Sized> Clone for Same<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: ?Sized> PartialEq for Same<T> {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) => a.ptr_eq(b),
            (a, b) => a.is_none() && b.is_none(),
        }
    }
}

/// A value made from others, or the few that were asked for last.
#[derive(Debug)]
pub struct Derived<K, V> {
    kept: RefCell<VecDeque<(K, Rc<V>)>>,
    most: usize,
}

impl<K, V> Default for Derived<K, V> {
    fn default() -> Self {
        Self::keeping(1)
    }
}

impl<K, V> Derived<K, V> {
    /// Keeps the values of this many keys (at least one), those asked for last.
    pub fn keeping(most: usize) -> Self {
        Self { kept: RefCell::default(), most: most.max(1) }
    }
}

impl<K: PartialEq, V> Derived<K, V> {
    fn known(&self, key: &K) -> Option<Rc<V>> {
        let mut kept = self.kept.borrow_mut();
        let at = kept.iter().position(|(k, _)| k == key)?;
        // What was asked for last stays longest.
        kept.make_contiguous()[..=at].rotate_right(1);
        kept.front().map(|(_, value)| value.clone())
    }

    /// The value for a key, made now where it is not kept.
    pub fn get(&self, key: K, make: impl FnOnce() -> V) -> Rc<V> {
        self.known(&key).unwrap_or_else(|| {
            MADE.set(MADE.get() + 1);
            let value = Rc::new(make());
            let mut kept = self.kept.borrow_mut();
            kept.push_front((key, value.clone()));
            kept.truncate(self.most);
            value
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_made_once_for_each_key() {
        let (a, b) = (Arc::new(vec![1, 2]), Arc::new(vec![1, 2]));
        let sums = Derived::keeping(2);
        let sum = |of: &Arc<Vec<i32>>, revision: u64| {
            let before = made();
            let value = *sums.get((Same::of(of), revision), || of.iter().sum::<i32>());
            (value, made() - before)
        };
        assert_eq!((sum(&a, 0), sum(&a, 0)), ((3, 1), (3, 0)));
        // Equal contents are another value all the same, and so is another revision.
        assert_eq!((sum(&b, 0), sum(&a, 0), sum(&a, 1)), ((3, 1), (3, 0), (3, 1)));
        // Only two are kept.
        assert_eq!((sum(&a, 0), sum(&b, 0)), ((3, 0), (3, 1)));
    }
}
