//! The texts in a value that others wrote: what a report has to make harmless before anybody looks.

/// A value with texts of others in it. The implementations name every field, so that a new one has to
/// be thought of.
pub trait Texts {
    /// Calls `each` with every text.
    fn texts(&mut self, each: &mut dyn FnMut(&mut String));
}

impl Texts for String {
    fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        each(self);
    }
}

impl<T: Texts> Texts for Option<T> {
    fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        self.iter_mut().for_each(|value| value.texts(each));
    }
}

impl<T: Texts> Texts for Vec<T> {
    fn texts(&mut self, each: &mut dyn FnMut(&mut String)) {
        self.iter_mut().for_each(|value| value.texts(each));
    }
}
