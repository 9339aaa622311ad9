//! Files to batches of undecoded records, in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::input::{self, Batch, FoundFile, Input, InputError, InputOptions};

/// What comes out of the files next.
pub(super) enum Item {
    /// A file was opened and is of this kind.
    Opened { file: usize, kind: &'static str },
    /// Records to decode.
    Batch { file: usize, path: Arc<str>, batch: Box<dyn Batch> },
    /// The file cannot be read, or not any further.
    Failed { file: usize, error: InputError },
}

/// The batches of all files.
pub(super) struct Feed<'a> {
    files: std::iter::Enumerate<std::slice::Iter<'a, FoundFile>>,
    options: &'a InputOptions,
    open: Option<(usize, Arc<str>, Box<dyn Input>)>,
    /// Set when nobody wants more.
    is_enough: &'a AtomicBool,
}

impl<'a> Feed<'a> {
    pub(super) fn new(files: &'a [FoundFile], options: &'a InputOptions, is_enough: &'a AtomicBool) -> Self {
        Self { files: files.iter().enumerate(), options, open: None, is_enough }
    }
}

impl Iterator for Feed<'_> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        while !self.is_enough.load(Ordering::Relaxed) {
            if let Some((file, path, input)) = &mut self.open {
                let file = *file;
                match input.next_batch() {
                    Some(Ok(batch)) => return Some(Item::Batch { file, path: Arc::clone(path), batch }),
                    Some(Err(error)) => {
                        self.open = None;
                        return Some(Item::Failed { file, error });
                    }
                    None => self.open = None,
                }
            } else {
                let (file, found) = self.files.next()?;
                match input::open(&found.path, self.options) {
                    Ok(input) => {
                        let kind = input.kind();
                        self.open = Some((file, Arc::from(found.path.to_string_lossy().as_ref()), input));
                        return Some(Item::Opened { file, kind });
                    }
                    Err(error) => return Some(Item::Failed { file, error }),
                }
            }
        }
        None
    }
}
