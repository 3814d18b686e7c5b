//! Networks of f32 before they are quantised: layers one after the other, with a plain forward pass that training and conversion are measured by.
//!
//! Images are `[H, W, C]` and weights of convolutions `[O, kh, kw, C]` as in programs; every tensor is row-major.
/// Why layers are no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// None, or too many.
    #[error("a network has 1 to 256 layers, found {0}")]
    Layers(usize),
    /// An input of another shape.
    #[error("an input is [N] or [H, W, C] with 1 to 2^24 elements")]
    Input,
    /// A layer that does not fit what comes before it.
    #[error("layer {layer}: {why}")]
    Layer {
        /// Its place, from 0.
        layer: usize,
        /// What is wrong.
        why: &'static str,
    },
}

/// Most layers of a network.
pub const MAX_LAYERS: usize = 256;
/// Most elements of an activation or of a layer's weights.
pub const MAX_VALUES: usize = 1 << 24;

/// One layer.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// `weights x + bias`; the input is flat.
    Linear {
        /// `[outputs, inputs]`, row by row.
        weights: Vec<f32>,
        /// One an output.
        bias: Vec<f32>,
    },
    /// A convolution of an image, zeros around.
    Conv2d {
        /// `[O, kh, kw, C]`.
        weights: Vec<f32>,
        /// One a channel of the output.
        bias: Vec<f32>,
        /// Height and width of the window.
        window: [u16; 2],
        /// Down and right.
        stride: [u16; 2],
        /// Rows above and below, columns left and right.
        padding: [u16; 2],
    },
    /// max(x, 0).
    Relu,
    /// The largest of each window of an image.
    MaxPool {
        /// Height and width.
        window: [u16; 2],
        /// Down and right.
        stride: [u16; 2],
    },
    /// The mean of each window of an image.
    AveragePool {
        /// Height and width.
        window: [u16; 2],
        /// Down and right.
        stride: [u16; 2],
    },
    /// An image as a flat row, channels fastest.
    Flatten,
}

/// A checked network.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    layers: Vec<Layer>,
    /// The input's shape, then that after each layer.
    shapes: Vec<Vec<usize>>,
}

impl Network {
    /// Of an input `[N]` or `[H, W, C]` and layers that fit each other.
    ///
    /// # Errors
    /// [`NetworkError::Layers`]; [`NetworkError::Input`]; [`NetworkError::Layer`], which names the first layer that does not fit.
    pub fn new(input: &[usize], layers: Vec<Layer>) -> Result<Self, NetworkError> {
        if layers.is_empty() || layers.len() > MAX_LAYERS {
            return Err(NetworkError::Layers(layers.len()));
        }
        if !matches!(input.len(), 1 | 3) || !within(input) {
            return Err(NetworkError::Input);
        }
        let mut shapes = vec![input.to_vec()];
        for (number, layer) in layers.iter().enumerate() {
            let fault = |why| NetworkError::Layer { layer: number, why };
            let shape = layer.shape(&shapes[number]).map_err(fault)?;
            if !within(&shape) {
                return Err(fault("its result is empty or has more than 2^24 elements"));
            }
            shapes.push(shape);
        }
        Ok(Self { layers, shapes })
    }
    /// The layers.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }
    /// The shape before a layer; of the number of layers, that of the output.
    #[must_use]
    pub fn shape(&self, layer: usize) -> &[usize] {
        &self.shapes[layer.min(self.layers.len())]
    }
    /// The input's shape.
    #[must_use]
    pub fn input(&self) -> &[usize] {
        &self.shapes[0]
    }
    /// How many numbers it answers.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.shape(self.layers.len()).iter().product()
    }
    /// What it answers; the input has as many values as its shape.
    #[must_use]
    pub fn forward(&self, input: &[f32]) -> Vec<f32> {
        self.activations(input).pop().unwrap_or_default()
    }
    /// The place of the largest output, the first of equals.
    #[must_use]
    pub fn answer(&self, input: &[f32]) -> usize {
        let outputs = self.forward(input);
        let better = |best: usize, at: usize| if outputs[at] > outputs[best] { at } else { best };
        (0..outputs.len()).fold(0, better)
    }
    /// What each layer answers.
    #[must_use]
    pub fn activations(&self, input: &[f32]) -> Vec<Vec<f32>> {
        let mut found: Vec<Vec<f32>> = Vec::with_capacity(self.layers.len());
        for (number, layer) in self.layers.iter().enumerate() {
            let before = found.last().map_or(input, Vec::as_slice);
            found.push(layer.forward(before, &self.shapes[number], &self.shapes[number + 1]));
        }
        found
    }
}

fn within(shape: &[usize]) -> bool {
    let count = shape.iter().try_fold(1_usize, |n, dim| n.checked_mul(*dim));
    count.is_some_and(|n| (1..=MAX_VALUES).contains(&n))
}

impl Layer {
    /// The shape of its result.
    fn shape(&self, input: &[usize]) -> Result<Vec<usize>, &'static str> {
        let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        match (self, input) {
            (Self::Linear { weights, bias }, [inputs]) => {
                if inputs.checked_mul(bias.len()) != Some(weights.len()) || weights.len() > MAX_VALUES {
                    return Err("its weights are not [outputs, inputs]");
                }
                if finite(weights) && finite(bias) { Ok(vec![bias.len()]) } else { Err("a weight is no finite number") }
            }
            (Self::Linear { .. }, _) => Err("a linear layer takes a flat row; flatten the image first"),
            (Self::Conv2d { weights, bias, window, stride, padding }, [height, width, channels]) => {
                let depth = usize::from(window[0]) * usize::from(window[1]) * channels;
                if depth.checked_mul(bias.len()) != Some(weights.len()) || weights.len() > MAX_VALUES {
                    return Err("its weights are not [O, kh, kw, C]");
                }
                if padding[0] >= window[0] || padding[1] >= window[1] {
                    return Err("its padding is as large as its window");
                }
                if !finite(weights) || !finite(bias) {
                    return Err("a weight is no finite number");
                }
                let down = places(*height, window[0], stride[0], padding[0])?;
                Ok(vec![down, places(*width, window[1], stride[1], padding[1])?, bias.len()])
            }
            (Self::MaxPool { window, stride } | Self::AveragePool { window, stride }, [height, width, channels]) => {
                Ok(vec![places(*height, window[0], stride[0], 0)?, places(*width, window[1], stride[1], 0)?, *channels])
            }
            (Self::Conv2d { .. } | Self::MaxPool { .. } | Self::AveragePool { .. }, _) => Err("it takes an image [H, W, C]"),
            (Self::Relu, shape) => Ok(shape.to_vec()),
            (Self::Flatten, shape) => Ok(vec![shape.iter().product()]),
        }
    }

    fn forward(&self, x: &[f32], from: &[usize], to: &[usize]) -> Vec<f32> {
        match self {
            Self::Linear { weights, bias } => {
                let row = |(row, bias): (&[f32], &f32)| row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>() + bias;
                weights.chunks(x.len().max(1)).zip(bias).map(row).collect()
            }
            Self::Conv2d { weights, bias, window, stride, padding } => {
                let places = Windows { from, to, window: *window, stride: *stride, padding: *padding };
                convolve(x, weights, bias, &places)
            }
            Self::Relu => x.iter().map(|x| x.max(0.0)).collect(),
            Self::MaxPool { window, stride } => {
                let places = Windows { from, to, window: *window, stride: *stride, padding: [0, 0] };
                places.pool(x, f32::NEG_INFINITY, f32::max)
            }
            Self::AveragePool { window, stride } => {
                let places = Windows { from, to, window: *window, stride: *stride, padding: [0, 0] };
                let area = f32::from(window[0]) * f32::from(window[1]);
                places.pool(x, 0.0, |sum, x| sum + x).into_iter().map(|sum| sum / area).collect()
            }
            Self::Flatten => x.to_vec(),
        }
    }
}

/// How many windows fit along a dimension.
fn places(size: usize, window: u16, stride: u16, padding: u16) -> Result<usize, &'static str> {
    let room = (size + 2 * usize::from(padding)).checked_sub(window.into()).filter(|_| window > 0);
    room.and_then(|room| room.checked_div(stride.into())).map(|steps| steps + 1).ok_or("no window fits, or the stride is 0")
}

/// Windows over an image.
struct Windows<'a> {
    from: &'a [usize],
    to: &'a [usize],
    window: [u16; 2],
    stride: [u16; 2],
    padding: [u16; 2],
}

impl Windows<'_> {
    /// The places of a window that are within the image: its row and column in the window, and where its pixel begins.
    fn pixels(&self, down: usize, right: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let (height, width, channels) = (self.from[0], self.from[1], self.from[2]);
        let columns = usize::from(self.window[1]);
        (0..usize::from(self.window[0]) * columns).filter_map(move |place| {
            let y = (down * usize::from(self.stride[0]) + place / columns).checked_sub(self.padding[0].into())?;
            let x = (right * usize::from(self.stride[1]) + place % columns).checked_sub(self.padding[1].into())?;
            (y < height && x < width).then_some((place, (y * width + x) * channels))
        })
    }
    fn pool(&self, x: &[f32], start: f32, join: fn(f32, f32) -> f32) -> Vec<f32> {
        let mut out = Vec::with_capacity(self.to.iter().product());
        for down in 0..self.to[0] {
            for right in 0..self.to[1] {
                out.extend((0..self.to[2]).map(|c| self.pixels(down, right).fold(start, |so_far, (_, at)| join(so_far, x[at + c]))));
            }
        }
        out
    }
}

fn convolve(x: &[f32], weights: &[f32], bias: &[f32], places: &Windows<'_>) -> Vec<f32> {
    let channels = places.from[2];
    let depth = weights.len() / bias.len().max(1);
    let mut out = Vec::with_capacity(places.to.iter().product());
    for down in 0..places.to[0] {
        for right in 0..places.to[1] {
            let pixels: Vec<(usize, usize)> = places.pixels(down, right).collect();
            for (kernel, bias) in weights.chunks(depth.max(1)).zip(bias) {
                let at = |(place, at): &(usize, usize)| -> f32 {
                    kernel[place * channels..][..channels].iter().zip(&x[*at..]).map(|(w, x)| w * x).sum()
                };
                out.push(pixels.iter().map(at).sum::<f32>() + bias);
            }
        }
    }
    out
}
