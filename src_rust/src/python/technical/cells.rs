//! What the classes of streaming indicators hold: [`Plain`], and [`Quick`] for those of few words.
//!
//! `PyO3` marks an object that changes as borrowed, by an instruction that locks memory and costs as
//! much as the rest of a call. A [`Quick`] indicator keeps its state in words that are read and written
//! plainly, so that its object need not be marked. The GIL keeps calls apart; [`Quick::update_many`]
//! lets go of it and turns other calls away meanwhile, as the mark would.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use super::arrays::failed;
use crate::technical::{Indicator, Resume, batch};

/// Any indicator of one number.
pub struct Plain<I>(I);

impl<I: Indicator + Send> Plain<I> {
    pub const fn new(indicator: I) -> Self {
        Self(indicator)
    }

    /// Returns the indicator, for its settings.
    pub const fn settings(&self) -> &I {
        &self.0
    }

    #[inline]
    pub fn update(&mut self, value: f64) -> PyResult<Option<f64>> {
        self.0.try_update(value).map_err(|error| failed(&error))
    }

    pub fn update_many(&mut self, py: Python<'_>, values: &[f64]) -> PyResult<Vec<f64>> {
        py.detach(|| batch::update_many(&mut self.0, values)).map_err(|error| failed(&error))
    }

    #[expect(clippy::unnecessary_wraps, reason = "as of `Quick`")]
    pub fn value(&self) -> PyResult<Option<f64>> {
        Ok(self.0.value())
    }

    #[expect(clippy::unnecessary_wraps, reason = "as of `Quick`")]
    pub fn reset(&mut self) -> PyResult<()> {
        self.0.reset();
        Ok(())
    }
}

/// An indicator with a state of `N` numbers and a count.
pub struct Quick<I, const N: usize> {
    settings: I,
    taken: AtomicUsize,
    numbers: [AtomicU64; N],
    is_busy: AtomicBool,
}

/// Ends the turning away of other calls, whatever ends the call.
struct Turn<'a>(&'a AtomicBool);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}

impl<I: Resume<N> + Send, const N: usize> Quick<I, N> {
    pub fn new(indicator: I) -> Self {
        let (taken, numbers) = indicator.state();
        let numbers = numbers.map(|number| AtomicU64::new(number.to_bits()));
        Self { settings: indicator, taken: taken.into(), numbers, is_busy: false.into() }
    }

    /// Returns the indicator as it was made, for its settings.
    pub const fn settings(&self) -> &I {
        &self.settings
    }

    /// Returns the indicator as it is.
    #[inline]
    fn now(&self) -> PyResult<I> {
        if self.is_busy.load(Relaxed) {
            return Err(PyRuntimeError::new_err("update_many runs in another thread"));
        }
        let numbers = self.numbers.each_ref().map(|number| f64::from_bits(number.load(Relaxed)));
        Ok(self.settings.resumed(self.taken.load(Relaxed), numbers))
    }

    #[inline]
    fn store(&self, indicator: &I) {
        let (taken, numbers) = indicator.state();
        self.taken.store(taken, Relaxed);
        for (word, number) in self.numbers.iter().zip(numbers) {
            word.store(number.to_bits(), Relaxed);
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a call within a call is felt in 20 ns")]
    pub fn update(&self, value: f64) -> PyResult<Option<f64>> {
        let mut indicator = self.now()?;
        let answer = indicator.try_update(value).map_err(|error| failed(&error))?;
        self.store(&indicator);
        Ok(answer)
    }

    pub fn update_many(&self, py: Python<'_>, values: &[f64]) -> PyResult<Vec<f64>> {
        let mut indicator = self.now()?;
        self.is_busy.store(true, Relaxed);
        let turn = Turn(&self.is_busy);
        let answers = py.detach(|| batch::update_many(&mut indicator, values));
        drop(turn);
        self.store(&indicator);
        answers.map_err(|error| failed(&error))
    }

    #[inline]
    pub fn value(&self) -> PyResult<Option<f64>> {
        self.now().map(|indicator| indicator.value())
    }

    pub fn reset(&self) -> PyResult<()> {
        let mut indicator = self.now()?;
        indicator.reset();
        self.store(&indicator);
        Ok(())
    }
}
