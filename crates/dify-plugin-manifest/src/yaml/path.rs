//! The path to a value from the top of its file.

use std::fmt;
use std::rc::Rc;

/// How many characters of a key are shown: a key may be as long as a file.
const SHOWN: usize = 64;

/// A path, as in `parameters[0].label`. A longer path shares the steps of its beginning.
#[derive(Debug, Clone, Default)]
pub(crate) struct Path<'d>(Option<Rc<Step<'d>>>);

#[derive(Debug)]
struct Step<'d> {
    before: Path<'d>,
    what: What<'d>,
}

#[derive(Debug)]
enum What<'d> {
    Key(&'d str),
    Item(usize),
}

impl<'d> Path<'d> {
    pub(super) fn key(&self, key: &'d str) -> Self {
        Self(Some(Rc::new(Step { before: self.clone(), what: What::Key(key) })))
    }

    pub(super) fn item(&self, index: usize) -> Self {
        Self(Some(Rc::new(Step { before: self.clone(), what: What::Item(index) })))
    }
}

impl fmt::Display for Path<'_> {
    // Recursion is bounded, as nesting is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(step) = &self.0 else { return Ok(()) };
        step.before.fmt(f)?;
        match step.what {
            What::Item(index) => write!(f, "[{index}]"),
            What::Key(key) => {
                if step.before.0.is_some() {
                    f.write_str(".")?;
                }
                match key.char_indices().nth(SHOWN) {
                    Some((end, _)) => write!(f, "{}…", &key[..end]),
                    None => f.write_str(key),
                }
            }
        }
    }
}
