//! The transformer in floats. Each block: norm, attention, sum; norm, hidden layer, sum (Xiong et al. 2020, the norms first).
use burn::{
    module::{Module, Param},
    nn::loss::CrossEntropyLossConfig,
    optim::{AdamWConfig, GradientsParams},
    tensor::{
        Bool, Device, Int, Tensor, TensorData,
        activation::{relu, softmax},
    },
};
use rand::{Rng, SeedableRng, rngs::StdRng};

use super::{SYMBOLS, Sizes};

/// Windows of a step.
const BATCH: usize = 16;
/// Below this a norm takes a deviation for nothing.
const LEAST: f64 = 1e-5;

/// Sums over values, one row a value.
#[derive(Module, Debug)]
pub(super) struct Sums {
    pub(super) weights: Param<Tensor<2>>,
    pub(super) biases: Param<Tensor<1>>,
}

/// Values of a place in deviations from their mean.
#[derive(Module, Debug)]
pub(super) struct Norm {
    pub(super) gain: Param<Tensor<1>>,
    pub(super) bias: Param<Tensor<1>>,
}

#[derive(Module, Debug)]
pub(super) struct Block {
    pub(super) first: Norm,
    pub(super) query: Sums,
    pub(super) key: Sums,
    pub(super) value: Sums,
    pub(super) out: Sums,
    pub(super) second: Norm,
    pub(super) wide: Sums,
    pub(super) narrow: Sums,
}

#[derive(Module, Debug)]
pub(super) struct Model {
    pub(super) symbols: Param<Tensor<2>>,
    pub(super) places: Param<Tensor<2>>,
    pub(super) blocks: Vec<Block>,
    pub(super) norm: Norm,
    pub(super) last: Sums,
}

/// How it is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Learning {
    /// Steps of 16 windows each.
    pub steps: usize,
    /// The first step's rate; it falls to zero evenly.
    pub rate: f64,
    /// What the first weights and the windows are drawn with.
    pub seed: u64,
}

/// A trained transformer: what it says next behind each of the bytes that it sees.
#[derive(Debug)]
pub struct Transformer {
    pub(super) sizes: Sizes,
    pub(super) model: Model,
    device: Device,
}

/// Is told of the values between layers, in the order in which they are computed.
pub(super) type Tap<'a> = &'a mut dyn FnMut(Tensor<2>);

struct Draw<'a>(StdRng, &'a Device);

impl Draw<'_> {
    fn matrix(&mut self, rows: usize, columns: usize, most: f32) -> Param<Tensor<2>> {
        let values: Vec<f32> = (0..rows * columns).map(|_| self.0.gen_range(-most..most)).collect();
        Param::from_data(TensorData::new(values, [rows, columns]), self.1)
    }
    fn all(&self, count: usize, value: f32) -> Param<Tensor<1>> {
        Param::from_data(TensorData::new(vec![value; count], [count]), self.1)
    }
    fn sums(&mut self, inputs: usize, outputs: usize) -> Sums {
        Sums { weights: self.matrix(inputs, outputs, (3.0 / inputs as f32).sqrt()), biases: self.all(outputs, 0.0) }
    }
    fn norm(&self, width: usize) -> Norm {
        Norm { gain: self.all(width, 1.0), bias: self.all(width, 0.0) }
    }
    fn block(&mut self, sizes: Sizes) -> Block {
        let width = sizes.width;
        Block {
            first: self.norm(width),
            query: self.sums(width, width),
            key: self.sums(width, width),
            value: self.sums(width, width),
            out: self.sums(width, width),
            second: self.norm(width),
            wide: self.sums(width, sizes.hidden),
            narrow: self.sums(sizes.hidden, width),
        }
    }
}

impl Sums {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.weights.val()) + self.biases.val().unsqueeze()
    }
}

impl Norm {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let distance = x.clone() - x.mean_dim(1);
        let deviation = ((distance.clone() * distance.clone()).mean_dim(1) + LEAST).sqrt();
        distance / deviation * self.gain.val().unsqueeze() + self.bias.val().unsqueeze()
    }
}

impl Block {
    /// Places of all windows one after the other.
    fn forward(&self, x: Tensor<2>, sizes: Sizes, hidden: &Tensor<4, Bool>, tap: Tap<'_>) -> Tensor<2> {
        let [all, width] = x.dims();
        let (windows, part) = (all / sizes.places, width / sizes.heads);
        let heads = |x: Tensor<2>| x.reshape([windows, sizes.places, sizes.heads, part]).swap_dims(1, 2);
        let normal = self.first.forward(x.clone());
        let (query, key, value) = (self.query.forward(normal.clone()), self.key.forward(normal.clone()), self.value.forward(normal));
        [&query, &key, &value].into_iter().for_each(|x| tap(x.clone()));
        let scores = heads(query).matmul(heads(key).swap_dims(2, 3)) / (part as f64).sqrt();
        tap(scores.clone().reshape([windows * sizes.heads * sizes.places, sizes.places]));
        let parts = softmax(scores.mask_fill(hidden.clone(), f32::NEG_INFINITY), 3);
        let seen = parts.matmul(heads(value)).swap_dims(1, 2).reshape([all, width]);
        tap(seen.clone());
        let x = x + self.out.forward(seen);
        tap(x.clone());
        let wide = relu(self.wide.forward(self.second.forward(x.clone())));
        tap(wide.clone());
        let x = x + self.narrow.forward(wide);
        tap(x.clone());
        x
    }
}

impl Transformer {
    /// Learns to say the next byte of a text.
    ///
    /// # Panics
    /// Where the text is not longer than what it sees, or the heads do not share the width evenly.
    #[must_use]
    pub fn learn(text: &[u8], sizes: Sizes, learning: Learning, watch: &mut dyn FnMut(usize, f32)) -> Self {
        assert!(text.len() > sizes.places && sizes.width.is_multiple_of(sizes.heads), "sizes do not fit the text or each other");
        let device = Device::flex().autodiff();
        let mut draw = Draw(StdRng::seed_from_u64(learning.seed), &device);
        let model = Model {
            symbols: draw.matrix(SYMBOLS, sizes.width, 1.0),
            places: draw.matrix(sizes.places, sizes.width, 0.5),
            blocks: (0..sizes.blocks).map(|_| draw.block(sizes)).collect(),
            norm: draw.norm(sizes.width),
            last: draw.sums(sizes.width, SYMBOLS),
        };
        let mut random = draw.0;
        let mut learner = Self { sizes, model, device: device.clone() };
        let mut optimiser = AdamWConfig::new().with_weight_decay(0.01).init();
        let loss = CrossEntropyLossConfig::new().init(&device);
        for step in 0..learning.steps {
            let starts: Vec<usize> = (0..BATCH).map(|_| random.gen_range(0..text.len() - sizes.places)).collect();
            let seen: Vec<&[u8]> = starts.iter().map(|at| &text[*at..at + sizes.places]).collect();
            let next = starts.iter().flat_map(|at| text[at + 1..=at + sizes.places].iter().copied());
            let next: Tensor<1, Int> = learner.bytes(next);
            let found = loss.forward(learner.forward(&seen, &mut |_| ()), next);
            watch(step, found.clone().into_scalar::<f32>());
            let gradients = GradientsParams::from_grads(found.backward(), &learner.model);
            let rate = learning.rate * (1.0 - step as f64 / learning.steps as f64);
            learner.model = optimiser.step(rate, learner.model, gradients);
        }
        learner
    }

    fn bytes(&self, bytes: impl Iterator<Item = u8>) -> Tensor<1, Int> {
        let symbols: Vec<i32> = bytes.map(|byte| i32::from(byte.min(127))).collect();
        let count = symbols.len();
        Tensor::from_data(TensorData::new(symbols, [count]), &self.device)
    }

    /// Weights of the symbols behind each place of each window.
    pub(super) fn forward(&self, windows: &[&[u8]], tap: Tap<'_>) -> Tensor<2> {
        let (Sizes { places, width, .. }, count) = (self.sizes, windows.len());
        let symbols = self.bytes(windows.iter().flat_map(|window| window.iter().copied()));
        let found = self.model.symbols.val().select(0, symbols).reshape([count, places, width]);
        let x: Tensor<3> = found + self.model.places.val().unsqueeze();
        let mut x: Tensor<2> = x.reshape([count * places, width]);
        tap(x.clone());
        let behind: Vec<bool> = (0..places * places).map(|at| at % places > at / places).collect();
        let hidden: Tensor<2, Bool> = Tensor::from_data(TensorData::new(behind, [places, places]), &self.device);
        let hidden = hidden.unsqueeze::<4>().expand([count, self.sizes.heads, places, places]);
        for block in &self.model.blocks {
            x = block.forward(x, self.sizes, &hidden, tap);
        }
        self.model.last.forward(self.model.norm.forward(x))
    }

    /// The byte that it says behind each place of a window.
    #[must_use]
    pub fn says(&self, window: &[u8]) -> Vec<u8> {
        let found = self.forward(&[window], &mut |_| ()).argmax(1).into_data();
        found.iter::<i64>().map(|symbol| u8::try_from(symbol).unwrap_or(0)).collect()
    }
}
