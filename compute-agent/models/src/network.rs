//! Networks of floats: what training gives, and what quantisation takes.

/// Why layers are no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("layer {layer}: {why}")]
pub struct NetworkError {
    /// The layer, from 0.
    pub layer: usize,
    /// What is wrong.
    pub why: &'static str,
}

/// A step of a network. Behind each but the last stands a cut of negatives to zero, except behind a pool.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// Sums over all values: weights `[outputs, inputs]`, row-major.
    Dense {
        /// How each value counts for each output.
        weights: Vec<f32>,
        /// One an output.
        biases: Vec<f32>,
    },
    /// Sums over windows of an image, one place apart: weights `[filters, height, width, channels]`.
    Conv {
        /// Height and width; half of it, rounded down, is the border of zeros.
        window: [usize; 2],
        /// How each value counts for each filter.
        weights: Vec<f32>,
        /// One a filter.
        biases: Vec<f32>,
    },
    /// The largest of each window of an image, windows side by side.
    MaxPool {
        /// Height and width.
        window: [usize; 2],
    },
}

/// Layers that fit together; the last is dense, and its largest value is the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    input: Vec<usize>,
    layers: Vec<Layer>,
}

impl Network {
    /// Of an input, `[values]` or an image `[height, width, channels]`, and layers.
    ///
    /// # Errors
    /// [`NetworkError`], which names the first layer that does not fit.
    pub fn new(input: &[usize], layers: Vec<Layer>) -> Result<Self, NetworkError> {
        let mut dims = input.to_vec();
        for (layer, what) in layers.iter().enumerate() {
            dims = shape(what, &dims).ok_or(NetworkError { layer, why: "its weights do not fit its input" })?;
            let numbers: &[&[f32]] = match what {
                Layer::Dense { weights, biases } | Layer::Conv { weights, biases, .. } => &[weights, biases],
                Layer::MaxPool { .. } => &[],
            };
            if !numbers.iter().copied().flatten().all(|number| number.is_finite()) {
                return Err(NetworkError { layer, why: "a weight is no number" });
            }
        }
        if !matches!(layers.last(), Some(Layer::Dense { .. })) {
            return Err(NetworkError { layer: layers.len().saturating_sub(1), why: "the last layer is dense" });
        }
        Ok(Self { input: input.to_vec(), layers })
    }

    /// The shape of its input.
    #[must_use]
    pub fn input(&self) -> &[usize] {
        &self.input
    }

    /// Its layers.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// What each layer gives for an input, behind the cut of negatives.
    #[must_use]
    pub fn outputs(&self, input: &[f32]) -> Vec<Vec<f32>> {
        let (mut dims, mut outputs) = (self.input.clone(), Vec::<Vec<f32>>::new());
        for (number, layer) in self.layers.iter().enumerate() {
            let x = outputs.last().map_or(input, Vec::as_slice);
            let mut found = compute(layer, &dims, x);
            if number + 1 < self.layers.len() {
                found.iter_mut().for_each(|value| *value = value.max(0.0));
            }
            dims = shape(layer, &dims).unwrap_or_default();
            outputs.push(found);
        }
        outputs
    }

    /// The place of the largest output, the first of equals.
    #[must_use]
    pub fn answer(&self, input: &[f32]) -> usize {
        let outputs = self.outputs(input).pop().unwrap_or_default();
        let better = |best: usize, at: usize| if outputs[at] > outputs[best] { at } else { best };
        (0..outputs.len()).fold(0, better)
    }
}

/// The shape of what a layer gives; `None` where it does not fit.
pub(crate) fn shape(layer: &Layer, dims: &[usize]) -> Option<Vec<usize>> {
    let values: usize = dims.iter().product();
    match (layer, dims) {
        (Layer::Dense { weights, biases }, _) => (!biases.is_empty() && weights.len() == biases.len() * values).then(|| vec![biases.len()]),
        (Layer::Conv { window, weights, biases }, [h, w, c]) => {
            let [rows, columns] = *window;
            let fits = !biases.is_empty() && weights.len() == biases.len() * rows * columns * c && rows > 0 && columns > 0;
            let down = (h + rows / 2 * 2 + 1).checked_sub(rows)?;
            let right = (w + columns / 2 * 2 + 1).checked_sub(columns)?;
            (fits && down > 0 && right > 0).then(|| vec![down, right, biases.len()])
        }
        (Layer::MaxPool { window }, [h, w, c]) => {
            let places = [h.checked_div(window[0])?, w.checked_div(window[1])?];
            (places[0] > 0 && places[1] > 0).then(|| vec![places[0], places[1], *c])
        }
        _ => None,
    }
}

fn compute(layer: &Layer, dims: &[usize], x: &[f32]) -> Vec<f32> {
    match (layer, dims) {
        (Layer::Dense { weights, biases }, _) => {
            let sum = |row: &[f32]| row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>();
            weights.chunks(x.len().max(1)).zip(biases).map(|(row, bias)| sum(row) + bias).collect()
        }
        (Layer::Conv { window, weights, biases }, [height, width, channels]) => {
            let image = Image { height: *height, width: *width, channels: *channels, values: x };
            let out = shape(layer, dims).unwrap_or_default();
            let mut found = Vec::with_capacity(out.iter().product());
            for place in 0..out[0] * out[1] {
                for (filter, bias) in weights.chunks(window[0] * window[1] * channels).zip(biases) {
                    found.push(image.sum(place / out[1], place % out[1], *window, filter) + bias);
                }
            }
            found
        }
        (Layer::MaxPool { window }, [_, width, channels]) => {
            let out = shape(layer, dims).unwrap_or_default();
            let mut found = Vec::with_capacity(out.iter().product());
            for index in 0..out.iter().product::<usize>() {
                let (place, channel) = (index / channels, index % channels);
                let (top, left) = (place / out[1] * window[0], place % out[1] * window[1]);
                let cell = |cell: usize| x[((top + cell / window[1]) * width + left + cell % window[1]) * channels + channel];
                found.push((0..window[0] * window[1]).map(cell).fold(f32::NEG_INFINITY, f32::max));
            }
            found
        }
        _ => Vec::new(),
    }
}

/// An image, the last dimension fastest.
struct Image<'a> {
    height: usize,
    width: usize,
    channels: usize,
    values: &'a [f32],
}

impl Image<'_> {
    /// The sum of a filter's products at a place; zeros around.
    fn sum(&self, top: usize, left: usize, window: [usize; 2], filter: &[f32]) -> f32 {
        let mut sum = 0.0;
        for cell in 0..window[0] * window[1] {
            let y = (top + cell / window[1]).checked_sub(window[0] / 2).filter(|y| *y < self.height);
            let x = (left + cell % window[1]).checked_sub(window[1] / 2).filter(|x| *x < self.width);
            let Some((y, x)) = y.zip(x) else { continue };
            let (from, weight) = ((y * self.width + x) * self.channels, cell * self.channels);
            sum += (0..self.channels).map(|c| self.values[from + c] * filter[weight + c]).sum::<f32>();
        }
        sum
    }
}
