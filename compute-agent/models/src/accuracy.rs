//! How often a model answers right.
use std::{fmt, ops::ControlFlow};

use cairn_device::{Error, Executor};
use cairn_program::{Inputs, MAX_RUNS, Tensor};

use crate::{ModelFile, Network, Picture, steps};

/// Right answers out of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accuracy {
    /// Right answers.
    pub right: usize,
    /// All answers.
    pub all: usize,
}

impl fmt::Display for Accuracy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} % ({} of {})", self.part() * 100.0, self.right, self.all)
    }
}

impl Accuracy {
    /// The part of answers that is right, 0 to 1.
    #[must_use]
    pub fn part(self) -> f64 {
        self.right as f64 / self.all.max(1) as f64
    }

    fn of(answers: &[usize], pictures: &[Picture]) -> Self {
        let right = answers.iter().zip(pictures).filter(|(answer, picture)| **answer == picture.class).count();
        Self { right, all: pictures.len() }
    }

    /// Of a network of floats.
    #[must_use]
    pub fn of_floats(network: &Network, pictures: &[Picture]) -> Self {
        let answers: Vec<usize> = pictures.iter().map(|picture| network.answer(&picture.pixels)).collect();
        Self::of(&answers, pictures)
    }

    /// Of a model on a device.
    ///
    /// # Errors
    /// As [`answers`].
    pub fn of_model(model: &ModelFile, pictures: &[Picture], device: &dyn Executor) -> Result<Self, AnswerError> {
        let values: Vec<Vec<f32>> = pictures.iter().map(|picture| picture.pixels.clone()).collect();
        Ok(Self::of(&answers(model, &values, device)?, pictures))
    }
}

/// Why a model gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// Its card does not say how numbers become its input, or they are too many or too few.
    #[error("the model takes another input")]
    Input,
    /// It gives no single number.
    #[error("the model does not answer with a class")]
    Output,
    /// The device refuses.
    #[error(transparent)]
    Device(#[from] Error),
}

/// Inputs of a job from numbers: each cut to int8 in the steps that the model's card tells.
///
/// # Errors
/// [`AnswerError::Input`].
pub fn inputs(model: &ModelFile, inputs: &[Vec<f32>]) -> Result<Inputs, AnswerError> {
    let scale = model.card().input.ok_or(AnswerError::Input)?.scale;
    let shape = &model.program().graph().input;
    let tensors: Option<Vec<Tensor>> = inputs.iter().map(|values| Tensor::new(shape.clone(), steps(values, scale))).collect();
    tensors.and_then(|tensors| Inputs::new(model.program(), tensors)).ok_or(AnswerError::Input)
}

/// The class that a model answers for each input.
///
/// # Errors
/// [`AnswerError`].
pub fn answers(model: &ModelFile, values: &[Vec<f32>], device: &dyn Executor) -> Result<Vec<usize>, AnswerError> {
    let mut found = Vec::new();
    for group in values.chunks(MAX_RUNS as usize) {
        let inputs = inputs(model, group)?;
        let runs = device.run(model.program(), model.weights(), &inputs, &mut |_| ControlFlow::Continue(()))?;
        for nodes in runs {
            let answer = nodes.last().and_then(|output| <[i32; 1]>::try_from(output.values.as_slice()).ok());
            found.push(answer.and_then(|[class]| usize::try_from(class).ok()).ok_or(AnswerError::Output)?);
        }
    }
    Ok(found)
}
