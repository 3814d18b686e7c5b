//! Windows of images: their cells are gathered by an index made on the host, then summed, compared or multiplied.
use burn::tensor::{Int, Tensor as Burn};

use super::{Flat, Step, dense, size, upload};

/// Most elements gathered at once: 16 MiB of them.
pub(crate) const BLOCK: u64 = 1 << 22;

/// Where windows of an image lie.
struct Windows {
    height: usize,
    width: usize,
    cells: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    /// How many there are down and right.
    places: [usize; 2],
}

impl Windows {
    fn count(&self) -> usize {
        self.places[0] * self.places[1]
    }

    fn area(&self) -> usize {
        self.cells[0] * self.cells[1]
    }

    /// The place in the image of each cell of the windows `from..to`; a cell beside the image is the place behind its last one.
    fn index(&self, from: usize, to: usize) -> Vec<i32> {
        let mut index = Vec::with_capacity((to - from) * self.area());
        for place in from..to {
            let (top, left) = (place / self.places[1] * self.stride[0], place % self.places[1] * self.stride[1]);
            for cell in 0..self.area() {
                let y = (top + cell / self.cells[1]).checked_sub(self.padding[0]).filter(|y| *y < self.height);
                let x = (left + cell % self.cells[1]).checked_sub(self.padding[1]).filter(|x| *x < self.width);
                let at = y.zip(x).map_or(self.height * self.width, |(y, x)| y * self.width + x);
                index.push(i32::try_from(at).unwrap_or(i32::MAX));
            }
        }
        index
    }

    /// Gathers blocks of windows as `[runs * places, cells, channels]`, turns each into `[runs, places, ..]`, and joins these.
    fn each_block(&self, image: &Burn<3, Int>, step: &Step<'_>, turn: impl Fn(Burn<3, Int>) -> Flat) -> Flat {
        let [runs, _, channels] = image.dims();
        let most = (usize::try_from(BLOCK).unwrap_or(usize::MAX) / (runs * self.area() * channels)).max(1);
        let block = |from: usize| {
            let to = self.count().min(from + most);
            let cells = image.clone().select(1, upload(self.index(from, to), step.device));
            let turned = turn(cells.reshape([runs * (to - from), self.area(), channels]));
            turned.reshape([runs, to - from, size(step.output.last())])
        };
        let blocks = (0..self.count()).step_by(most).map(block).collect();
        Burn::cat(blocks, 1).reshape([runs * self.count() * size(step.output.last())])
    }
}

fn windows(step: &Step<'_>, cells: [usize; 2], stride: [u16; 2], padding: [u16; 2]) -> Windows {
    let places = [0, 1].map(|axis| step.output.dims.get(axis).map_or(1, |dim| size(*dim)));
    Windows {
        height: step.dim(0, 0),
        width: step.dim(0, 1),
        cells,
        stride: stride.map(usize::from),
        padding: padding.map(usize::from),
        places,
    }
}

pub(super) fn conv(step: &Step<'_>, stride: [u16; 2], padding: [u16; 2], [x, w]: [&Flat; 2], bias: Option<&Flat>, runs: usize) -> Flat {
    let windows = windows(step, [step.dim(1, 1), step.dim(1, 2)], stride, padding);
    let (channels, filters) = (step.dim(0, 2), step.dim(1, 0));
    let depth = windows.area() * channels;
    let image = x.clone().reshape([runs, windows.height * windows.width, channels]);
    // One more place, of zeros, for the cells beside the image.
    let image = if padding == [0, 0] { image } else { Burn::cat(vec![image, Burn::zeros([runs, 1, channels], step.options())], 1) };
    let factor = w.clone().reshape([filters, depth]).transpose();
    windows.each_block(&image, step, |cells| {
        let [places, ..] = cells.dims();
        dense::product(cells.reshape([places, depth]), factor.clone(), bias)
    })
}

pub(super) fn pool(step: &Step<'_>, window: [u16; 2], stride: [u16; 2], x: &Flat, runs: usize, largest: bool) -> Flat {
    let windows = windows(step, window.map(usize::from), stride, [0, 0]);
    let image = x.clone().reshape([runs, windows.height * windows.width, step.dim(0, 2)]);
    windows.each_block(&image, step, |cells| {
        let [places, _, channels] = cells.dims();
        let folded = if largest { cells.max_dim(1) } else { cells.sum_dim(1) };
        folded.reshape([places * channels])
    })
}
