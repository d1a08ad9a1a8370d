//! The values of the face, between Python and Rust: parameters, contexts, works, hashes.

use ethnum::U256;
use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyList, PyTuple};

use crate::block::Rules;
use crate::hash::Hash;
use crate::headers::{Context, MEDIAN_SPAN, Params, Times, Works};

/// Bytes of a hash. `ValueError` for another number.
pub(crate) fn hash_from(bytes: &[u8]) -> PyResult<Hash> {
    bytes.try_into().map_err(|_| PyValueError::new_err(format!("a hash has 32 bytes, not {}", bytes.len())))
}

/// Hashes, 32 bytes each.
pub(crate) fn hashes_from(bytes: &[u8]) -> PyResult<&[Hash]> {
    match bytes.as_chunks() {
        (hashes, []) => Ok(hashes),
        _ => Err(PyValueError::new_err(format!("hashes have 32 bytes each, not {} together", bytes.len()))),
    }
}

/// Hashes, one after the other.
pub(crate) fn hashes_into<'py>(py: Python<'py>, hashes: &[Hash]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, hashes.as_flattened())
}

/// `HeaderParams`.
impl<'a, 'py> FromPyObject<'a, 'py> for Params {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let (pow_limit, retarget, min_difficulty, bip94, bip34_height, bip66_height, bip65_height) =
            object.extract::<(Bound<'py, PyInt>, _, _, _, _, _, _)>()?;
        let pow_limit = number_from(&pow_limit)?;
        Ok(Self { pow_limit, retarget, min_difficulty, bip94, bip34_height, bip66_height, bip65_height })
    }
}

/// `BlockRules`.
impl<'a, 'py> FromPyObject<'a, 'py> for Rules {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let (height, bip34, median_lock_time, segwit) = object.extract()?;
        Ok(Self { height, bip34, median_lock_time, segwit })
    }
}

/// `HeaderContext`. `ValueError` for one with gaps: those are judged by the reference.
impl<'a, 'py> FromPyObject<'a, 'py> for Context {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let incomplete = || PyValueError::new_err("the context is not complete");
        let (height, hash, known_times, bits, first_time, period_bits) =
            object.extract::<(i32, Option<Bound<'py, PyBytes>>, Vec<u32>, Option<u32>, Option<u32>, Option<u32>)>()?;
        let (height, hash) = (i64::from(height), hash_from(hash.ok_or_else(incomplete)?.as_bytes())?);
        let mut times = Times::EMPTY;
        for time in &known_times {
            times.push(*time);
        }
        if height == -1 && known_times.is_empty() {
            return Ok(Self { height, hash, times, bits: 0, first_time: 0, period_bits: 0 });
        }
        let wanted = usize::try_from(height).map_err(|_| incomplete())?.saturating_add(1).min(MEDIAN_SPAN);
        match (bits, first_time, period_bits) {
            (Some(bits), Some(first_time), Some(period_bits)) if known_times.len() == wanted => {
                Ok(Self { height, hash, times, bits, first_time, period_bits })
            }
            _ => Err(incomplete()),
        }
    }
}

/// The fields of a `HeaderContext`, of at least one header.
impl<'py> IntoPyObject<'py> for &Context {
    type Target = PyTuple;
    type Output = Bound<'py, PyTuple>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let times = PyTuple::new(py, self.times.iter().collect::<Vec<_>>())?;
        (self.height, PyBytes::new(py, &self.hash), times, self.bits, self.first_time, self.period_bits)
            .into_pyobject(py)
    }
}

/// A list of numbers; headers of the same work share one.
pub(crate) fn works_into<'py>(py: Python<'py>, works: &Works) -> PyResult<Bound<'py, PyList>> {
    let mut numbers = Vec::with_capacity(works.len());
    for (work, count) in works.runs() {
        let number = number_into(py, work)?;
        numbers.extend(std::iter::repeat_n(number, count));
    }
    PyList::new(py, numbers)
}

/// Works of 128 bits, `OverflowError` for one that needs more.
pub(crate) fn works_from(works: &Bound<'_, PyList>) -> PyResult<Vec<u128>> {
    let mut numbers: Vec<u128> = Vec::with_capacity(works.len());
    let mut last: Option<(Bound<'_, PyAny>, u128)> = None;
    for item in works {
        match &last {
            // the same object again, mostly: see `works_into`
            Some((before, number)) if before.is(&item) => numbers.push(*number),
            _ => {
                let number = item.extract()?;
                numbers.push(number);
                last = Some((item, number));
            }
        }
    }
    Ok(numbers)
}

/// `OverflowError` for more than 256 bits or less than zero.
fn number_from(number: &Bound<'_, PyInt>) -> PyResult<U256> {
    let py = number.py();
    let bytes = number.call_method1(intern!(py, "to_bytes"), (32, intern!(py, "little")))?;
    let bytes = bytes.cast::<PyBytes>()?.as_bytes().try_into();
    bytes.map(U256::from_le_bytes).map_err(|_| PyOverflowError::new_err("not a number of 256 bits"))
}

fn number_into(py: Python<'_>, number: U256) -> PyResult<Bound<'_, PyAny>> {
    let bytes = PyBytes::new(py, &number.to_le_bytes());
    py.get_type::<PyInt>().call_method1(intern!(py, "from_bytes"), (bytes, intern!(py, "little")))
}
