//! Inputs of jobs as files: a `.safetensors` with one tensor a run, `run0`, `run1`, .., and where a job names commitments to them, what opens these in the
//! entry `salts` of the file's metadata.
use cairn_program::{Inputs, Program, Tensor};
use safetensors::SafeTensors;

use crate::tensors;

/// Why a file holds no inputs of a job.
#[derive(Debug, thiserror::Error)]
pub enum InputsError {
    /// Not a safetensors file.
    #[error("no safetensors file: {0}")]
    Format(String),
    /// A header that is longer than the runs need.
    #[error("its header is too large for the runs")]
    Header,
    /// A tensor that is missing or not of the program's input type.
    #[error("`run{0}` is missing, or not of the type of the program's input")]
    Run(u32),
    /// Other tensors than those of the runs.
    #[error("it has {found} tensors, the job {runs} runs")]
    Count {
        /// In the file.
        found: usize,
        /// Of the job.
        runs: u32,
    },
}

/// The largest header, without what there is of each run.
const HEADER_BYTES: u64 = 1 << 16;
/// What the header may have of a run: its tensor's name, type and place, and what opens its commitments.
const HEADER_BYTES_RUN: u64 = 1 << 10;
/// The entry of the metadata with what opens commitments.
const SALTS: &str = "salts";

fn name(run: u32) -> String {
    format!("run{run}")
}

/// Reads the inputs of so many runs.
///
/// # Errors
/// [`InputsError`].
pub fn read_inputs(program: &Program, runs: u32, bytes: &[u8]) -> Result<Inputs, InputsError> {
    let header = tensors::header_bytes(bytes);
    if header > HEADER_BYTES.saturating_add(u64::from(runs).saturating_mul(HEADER_BYTES_RUN)) {
        return Err(InputsError::Header);
    }
    let file = SafeTensors::deserialize(bytes).map_err(|error| InputsError::Format(error.to_string()))?;
    if u32::try_from(file.len()).ok() != Some(runs) {
        return Err(InputsError::Count { found: file.len(), runs });
    }
    let tensor = |run: u32| tensors::read(&file, &name(run), &program.graph().input).ok_or(InputsError::Run(run));
    Inputs::new(program, (0..runs).map(tensor).collect::<Result<_, _>>()?).ok_or(InputsError::Run(0))
}

/// What opens commitments to the inputs of a file, as it was written; `None` of a file without it.
///
/// # Errors
/// [`InputsError::Format`].
pub fn read_salts(bytes: &[u8]) -> Result<Option<String>, InputsError> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| InputsError::Format(error.to_string()))?;
    Ok(metadata.metadata().as_ref().and_then(|entries| entries.get(SALTS)).cloned())
}

/// The file of inputs.
///
/// # Errors
/// [`InputsError::Format`] where the library refuses.
pub fn write_inputs(inputs: &[Tensor]) -> Result<Vec<u8>, InputsError> {
    write(inputs, None)
}

/// The file of inputs with what opens commitments to them.
///
/// # Errors
/// [`InputsError::Format`] where the library refuses.
pub fn write_salted(inputs: &[Tensor], salts: String) -> Result<Vec<u8>, InputsError> {
    write(inputs, Some((SALTS, salts)))
}

fn write(inputs: &[Tensor], entry: Option<(&str, String)>) -> Result<Vec<u8>, InputsError> {
    let named = (0..).zip(inputs).map(|(run, tensor)| (name(run), tensor)).collect();
    tensors::write(named, entry).map_err(|error| InputsError::Format(error.to_string()))
}

#[cfg(test)]
mod tests {
    use cairn_program::testing::{Dice, every_operator, inputs};

    use super::*;

    #[test]
    fn inputs_are_read_as_they_were_written_and_nothing_else() {
        let mut dice = Dice::new(3);
        for (name, graph) in every_operator() {
            let program = Program::check(graph).expect("a program");
            let inputs = inputs(&program, 3, &mut dice).expect("inputs");
            let file = write_inputs(inputs.tensors()).expect("a file");
            assert_eq!(read_inputs(&program, 3, &file).expect("inputs").root(), inputs.root(), "{name}");
            assert_eq!(read_salts(&file).expect("a file"), None);
            let salted = write_salted(inputs.tensors(), "a,b,c".to_owned()).expect("a file");
            assert_eq!(read_salts(&salted).expect("a file").as_deref(), Some("a,b,c"));
            assert_eq!(read_inputs(&program, 3, &salted).expect("inputs").root(), inputs.root(), "{name}");
            assert!(matches!(read_inputs(&program, 2, &file), Err(InputsError::Count { found: 3, runs: 2 })));
            let missing = write_inputs(&inputs.tensors()[..2]).expect("a file");
            assert!(matches!(read_inputs(&program, 3, &missing), Err(InputsError::Count { .. })));
            for length in 0..file.len() {
                assert!(read_inputs(&program, 3, &file[..length]).is_err());
                assert!(read_salts(&file[..length]).is_err());
            }
        }
    }
}
