//! Training of small networks on pictures, with burn's gradients on the processor.
use burn::{
    module::{Module, Param},
    nn::loss::CrossEntropyLossConfig,
    optim::{AdamWConfig, GradientsParams},
    tensor::{
        Device, Int, Tensor, TensorData,
        activation::relu,
        module,
        ops::{ConvOptions, MaxPoolOptions},
    },
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

use crate::{Layer, Network, NetworkError, Picture};

/// Pictures of a step.
const BATCH: usize = 64;
/// Filters of the two convolutions.
const FILTERS: [usize; 2] = [8, 16];
/// Values of the hidden layer where there are no convolutions.
const HIDDEN: usize = 32;
/// Windows of convolutions and of the pools behind them.
const WINDOW: usize = 3;
const POOL: usize = 2;

/// What kind of network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Design {
    /// Pixels, 32 values, classes.
    Mlp,
    /// Two convolutions with pools of 2 by 2, then classes.
    Cnn,
}

/// How it is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Training {
    /// What kind of network.
    pub design: Design,
    /// How often each picture is seen.
    pub epochs: usize,
    /// The first step's rate; it falls to zero evenly.
    pub rate: f64,
    /// How much of each label is spread evenly over all classes. Labels that were inferred are wrong here and there; who is certain of them learns that too
    /// (Szegedy et al. 2016).
    pub smoothing: f32,
    /// Each pixel is moved by up to so much, anew whenever it is seen.
    pub noise: f32,
    /// What the first weights and the order of pictures are drawn with.
    pub seed: u64,
}

impl Training {
    /// What is good for small pictures.
    #[must_use]
    pub fn of(design: Design, seed: u64) -> Self {
        let epochs = match design {
            Design::Mlp => 100,
            Design::Cnn => 30,
        };
        Self { design, epochs, rate: 0.01, smoothing: 0.1, noise: 0.35, seed }
    }
}

/// Sums over values, one row a value.
#[derive(Module, Debug)]
struct Sums {
    weights: Param<Tensor<2>>,
    biases: Param<Tensor<1>>,
}

/// Sums over windows, filters first, then channels.
#[derive(Module, Debug)]
struct Filters {
    weights: Param<Tensor<4>>,
    biases: Param<Tensor<1>>,
}

/// Convolutions, if any, then sums.
#[derive(Module, Debug)]
struct Model {
    filters: Vec<Filters>,
    sums: Vec<Sums>,
}

/// Random weights whose sums have about the spread of their inputs (He et al. 2015).
fn draw(random: &mut StdRng, count: usize, inputs: usize) -> Vec<f32> {
    let most = (6.0 / inputs as f32).sqrt();
    (0..count).map(|_| random.gen_range(-most..most)).collect()
}

impl Model {
    fn new(design: Design, size: [usize; 2], classes: usize, random: &mut StdRng, device: &Device) -> Self {
        let zeros = |count| Param::from_data(TensorData::zeros::<f32, _>([count]), device);
        let (mut filters, mut sizes) = (Vec::new(), vec![size[0] * size[1]]);
        if design == Design::Cnn {
            let mut channels = 1;
            for count in FILTERS {
                let inputs = channels * WINDOW * WINDOW;
                let weights = TensorData::new(draw(random, count * inputs, inputs), [count, channels, WINDOW, WINDOW]);
                filters.push(Filters { weights: Param::from_data(weights, device), biases: zeros(count) });
                channels = count;
            }
            let places = size.map(|side| side / POOL / POOL);
            sizes = vec![places[0] * places[1] * channels];
        } else {
            sizes.push(HIDDEN);
        }
        sizes.push(classes);
        let layer = |pair: &[usize]| {
            let weights = TensorData::new(draw(random, pair[0] * pair[1], pair[0]), [pair[0], pair[1]]);
            Sums { weights: Param::from_data(weights, device), biases: zeros(pair[1]) }
        };
        let sums = sizes.windows(2).map(layer).collect();
        Self { filters, sums }
    }

    /// Pictures `[pictures, 1, height, width]` to classes.
    fn forward(&self, pictures: Tensor<4>) -> Tensor<2> {
        let mut x = pictures;
        for layer in &self.filters {
            let border = [WINDOW / 2, WINDOW / 2];
            x = module::conv2d(x, layer.weights.val(), Some(layer.biases.val()), ConvOptions::new([1, 1], border, [1, 1], 1));
            x = module::max_pool2d(relu(x), MaxPoolOptions::new([POOL, POOL]).with_stride([POOL, POOL]));
        }
        // Programs have the channels last.
        let mut x: Tensor<2> = x.permute([0, 2, 3, 1]).flatten(1, 3);
        for (number, layer) in self.sums.iter().enumerate() {
            let x_in = if number > 0 { relu(x) } else { x };
            x = x_in.matmul(layer.weights.val()) + layer.biases.val().unsqueeze();
        }
        x
    }

    fn network(&self, size: [usize; 2]) -> Result<Network, NetworkError> {
        let mut layers = Vec::new();
        for layer in &self.filters {
            let weights = numbers(layer.weights.val().permute([0, 2, 3, 1]));
            let (window, padding, bias) = ([WINDOW as u16; 2], [WINDOW as u16 / 2; 2], numbers(layer.biases.val()));
            layers.push(Layer::Conv2d { weights, bias, window, stride: [1, 1], padding });
            layers.extend([Layer::Relu, Layer::MaxPool { window: [POOL as u16; 2], stride: [POOL as u16; 2] }]);
        }
        if !self.filters.is_empty() {
            layers.push(Layer::Flatten);
        }
        for (number, layer) in self.sums.iter().enumerate() {
            if number > 0 {
                layers.push(Layer::Relu);
            }
            layers.push(Layer::Linear { weights: numbers(layer.weights.val().transpose()), bias: numbers(layer.biases.val()) });
        }
        Network::new(&if self.filters.is_empty() { vec![size[0] * size[1]] } else { vec![size[0], size[1], 1] }, layers)
    }
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// Trains a network; `watch` is told the mean loss of each epoch.
///
/// # Errors
/// [`NetworkError`] where pictures are too small for the design, or training left the numbers.
pub fn train(
    pictures: &[Picture],
    size: [usize; 2],
    classes: usize,
    training: Training,
    watch: &mut dyn FnMut(usize, f32),
) -> Result<Network, NetworkError> {
    if training.design == Design::Cnn && size.iter().any(|side| side / POOL / POOL == 0) {
        return Err(NetworkError::Layer { layer: 3, why: "pictures have at least 4 by 4 pixels" });
    }
    let device = Device::flex().autodiff();
    let mut random = StdRng::seed_from_u64(training.seed);
    let mut model = Model::new(training.design, size, classes, &mut random, &device);
    let mut optimiser = AdamWConfig::new().with_weight_decay(0.02).init();
    let loss = CrossEntropyLossConfig::new().with_smoothing(Some(training.smoothing)).init(&device);
    let mut order: Vec<usize> = (0..pictures.len()).collect();
    let steps = (training.epochs * pictures.len().div_ceil(BATCH)) as f64;
    let mut step = 0.0;
    for epoch in 0..training.epochs {
        order.shuffle(&mut random);
        let mut sum = 0.0;
        for batch in order.chunks(BATCH) {
            let (x, y) = stack(pictures, batch, size, &mut |pixel| pixel + random.gen_range(-training.noise..=training.noise), &device);
            let found = loss.forward(model.forward(x), y);
            sum += found.clone().into_scalar::<f32>() * batch.len() as f32;
            let gradients = GradientsParams::from_grads(found.backward(), &model);
            model = optimiser.step(training.rate * (1.0 - step / steps), model, gradients);
            step += 1.0;
        }
        watch(epoch, sum / pictures.len().max(1) as f32);
    }
    model.network(size)
}

fn stack(
    pictures: &[Picture],
    batch: &[usize],
    size: [usize; 2],
    see: &mut dyn FnMut(f32) -> f32,
    device: &Device,
) -> (Tensor<4>, Tensor<1, Int>) {
    let pixels: Vec<f32> = batch.iter().flat_map(|at| &pictures[*at].pixels).map(|pixel| see(*pixel)).collect();
    let classes: Vec<i32> = batch.iter().map(|at| i32::try_from(pictures[*at].class).unwrap_or(i32::MAX)).collect();
    let x = Tensor::from_data(TensorData::new(pixels, [batch.len(), 1, size[0], size[1]]), device);
    (x, Tensor::from_data(TensorData::new(classes, [batch.len()]), device))
}
