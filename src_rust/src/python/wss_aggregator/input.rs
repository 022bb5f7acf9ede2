//! What comes from Python: frames, endpoints, times.

use std::ops::Range;

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyInt, PyList, PyMemoryView, PyString, PyTuple};

use crate::engine::Engine;
use crate::python::errors::InvalidInput;
use crate::wss_aggregator as core;
use core::EndpointId;

/// To find out whose bytes a view shows takes 0.2 µs; to copy them takes longer only from about
/// this length on.
const PART_FROM: usize = 8 * 1024;

/// The bytes of a frame: borrowed from `bytes` and from long memory views of them. What can change
/// while it is read (`bytearray`, a view of a library's own buffer) is copied: 60 ns for 1.2 kB,
/// less than half of what `bytes(view)` costs the caller.
pub enum Frame {
    Shared(PyBackedBytes),
    Part(Box<(PyBackedBytes, Range<usize>)>),
    Copied(Vec<u8>),
}

impl Frame {
    #[inline]
    pub fn extract(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Self::Shared(bytes.clone().into()));
        }
        Self::from_buffer(object)
    }

    fn from_buffer(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let wrong = |_| {
            let kind = object.get_type();
            InvalidInput::new_err(format!("frame: expected bytes or a byte buffer, found {kind}"))
        };
        let buffer = PyBuffer::<u8>::get(object).map_err(wrong)?;
        if buffer.len_bytes() >= PART_FROM
            && buffer.readonly()
            && buffer.is_c_contiguous()
            && object.is_instance_of::<PyMemoryView>()
            && let Ok(bytes) = object.getattr("obj")?.cast_into::<PyBytes>()
        {
            let bytes = PyBackedBytes::from(bytes);
            let start = buffer.buf_ptr().addr().wrapping_sub(bytes.as_ptr().addr());
            let end = start.wrapping_add(buffer.len_bytes());
            if start <= end && end <= bytes.len() {
                return Ok(Self::Part(Box::new((bytes, start..end))));
            }
        }
        Ok(Self::Copied(buffer.to_vec(object.py())?))
    }
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Shared(bytes) => bytes,
            Self::Part(view) => view.0.get(view.1.clone()).unwrap_or_default(),
            Self::Copied(bytes) => bytes,
        }
    }
}

/// An endpoint as it is given, not looked up yet: for whoever has to wait for a lock first.
pub enum Given {
    Number(usize),
    Name(PyBackedStr),
}

/// The number of no endpoint.
pub struct UnknownEndpoint(usize);

impl From<UnknownEndpoint> for PyErr {
    fn from(UnknownEndpoint(number): UnknownEndpoint) -> Self {
        InvalidInput::new_err(format!("endpoint: no endpoint has the number {number}"))
    }
}

impl Given {
    #[inline]
    pub fn extract(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyInt>() {
            let number = object.extract::<i64>().ok().and_then(|number| usize::try_from(number).ok());
            return Ok(Self::Number(number.unwrap_or(usize::MAX)));
        }
        match object.cast::<PyString>() {
            Ok(name) => Ok(Self::Name(name.clone().try_into()?)),
            Err(_) => Err(InvalidInput::new_err(format!(
                "endpoint: expected a name or a number, found {}",
                object.get_type()
            ))),
        }
    }

    /// Returns the endpoint, new on first use of a name.
    pub fn of(&self, engine: &mut Engine) -> Result<EndpointId, UnknownEndpoint> {
        match self {
            Self::Number(number) => {
                engine.aggregator().endpoint_numbered(*number).ok_or(UnknownEndpoint(*number))
            }
            Self::Name(name) => Ok(engine.endpoint(name)),
        }
    }

    /// Returns a connection of the provider that an endpoint or provider is named after.
    pub fn someone_of(&self, engine: &mut Engine) -> Result<EndpointId, UnknownEndpoint> {
        match self {
            Self::Name(name) if let Some(found) = engine.aggregator().find(name) => Ok(found),
            _ => self.of(engine),
        }
    }
}

/// Returns a connection of the provider that an endpoint or provider is named after.
pub(super) fn someone_of(
    aggregator: &mut core::WssAggregator,
    object: &Bound<'_, PyAny>,
) -> PyResult<EndpointId> {
    match Given::extract(object)? {
        Given::Number(number) => aggregator.check(number),
        Given::Name(name) => Ok(aggregator.find(&name).unwrap_or_else(|| aggregator.endpoint(&name))),
    }
}

/// Endpoints by number or name.
pub(super) trait Endpoints {
    fn named(&mut self, name: &str) -> EndpointId;
    fn numbered(&self, number: usize) -> Option<EndpointId>;

    #[inline]
    fn extract(&mut self, object: &Bound<'_, PyAny>) -> PyResult<EndpointId> {
        match Given::extract(object)? {
            Given::Number(number) => self.check(number),
            Given::Name(name) => Ok(self.named(&name)),
        }
    }

    fn check(&self, number: usize) -> PyResult<EndpointId> {
        self.numbered(number).ok_or_else(|| UnknownEndpoint(number).into())
    }

    /// Converts one endpoint for every frame: numbers as `bytes`, or a sequence.
    fn extract_many(&mut self, object: &Bound<'_, PyAny>, count: usize) -> PyResult<Vec<EndpointId>> {
        let endpoints: Vec<EndpointId> = if let Ok(numbers) = object.cast::<PyBytes>() {
            let numbers = numbers.as_bytes().iter();
            numbers.map(|&number| self.check(number.into())).collect::<PyResult<_>>()?
        } else {
            object.try_iter()?.map(|item| self.extract(&item?)).collect::<PyResult<_>>()?
        };
        if endpoints.len() != count {
            let found = endpoints.len();
            return Err(InvalidInput::new_err(format!(
                "endpoints: expected one for each of {count} frames, found {found}"
            )));
        }
        Ok(endpoints)
    }
}

impl Endpoints for core::WssAggregator {
    fn named(&mut self, name: &str) -> EndpointId {
        self.endpoint(name)
    }
    fn numbered(&self, number: usize) -> Option<EndpointId> {
        self.endpoint_numbered(number)
    }
}

impl Endpoints for core::DuplicateFilter {
    fn named(&mut self, name: &str) -> EndpointId {
        self.endpoint(name)
    }
    fn numbered(&self, number: usize) -> Option<EndpointId> {
        self.endpoint_numbered(number)
    }
}

/// Converts the times of arrival, one for each of `count` frames.
pub(super) fn times(object: Option<&Bound<'_, PyAny>>, count: usize) -> PyResult<Option<Vec<u64>>> {
    let Some(object) = object else { return Ok(None) };
    let times = object.try_iter()?.map(|item| item?.extract()).collect::<PyResult<Vec<u64>>>()?;
    if times.len() != count {
        let found = times.len();
        return Err(InvalidInput::new_err(format!(
            "arrivals_ns: expected one for each of {count} frames, found {found}"
        )));
    }
    Ok(Some(times))
}

/// Calls `then` with the bytes of the frames. They stay what they are, whoever changes the list.
pub(super) fn with_frames<R>(
    object: &Bound<'_, PyAny>,
    then: impl FnOnce(&[&[u8]]) -> PyResult<R>,
) -> PyResult<R> {
    let items = match object.cast::<PyList>() {
        Ok(list) => list.to_tuple(),
        Err(_) => PyTuple::new(object.py(), object.try_iter()?.collect::<PyResult<Vec<_>>>()?)?,
    };
    // The tuple owns the frames: none of them needs an owner of its own.
    let all_bytes: Result<Vec<Borrowed<'_, '_, PyBytes>>, _> =
        items.iter_borrowed().map(Borrowed::cast::<PyBytes>).collect();
    if let Ok(frames) = all_bytes {
        let frames: Vec<&[u8]> = frames.iter().map(|frame| frame.as_bytes()).collect();
        return then(&frames);
    }
    let frames = items.iter().map(|item| Frame::extract(&item)).collect::<PyResult<Vec<_>>>()?;
    let frames: Vec<&[u8]> = frames.iter().map(AsRef::as_ref).collect();
    then(&frames)
}
