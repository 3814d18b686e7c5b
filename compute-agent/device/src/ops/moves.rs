//! Operators that move elements.
use burn::tensor::{Int, Tensor as Burn};
use cairn_program::MAX_RANK;

use super::{Flat, Step, size};

/// Runs, then the dimensions of a tensor, with ones before them where it has fewer than it may.
const RANK: usize = MAX_RANK + 1;

pub(super) fn transpose(step: &Step<'_>, perm: &[u8], x: Flat, runs: usize) -> Flat {
    let all = x.dims();
    let lead = RANK - perm.len();
    let (mut shape, mut axes) = ([1; RANK], [0; RANK]);
    shape[0] = runs;
    for axis in 0..RANK {
        axes[axis] = axis;
        if axis >= lead {
            shape[axis] = step.dim(0, axis - lead);
            axes[axis] = lead + usize::from(perm[axis - lead]);
        }
    }
    let moved: Burn<RANK, Int> = x.reshape(shape).permute(axes);
    moved.reshape(all)
}

/// Places before an axis in so many runs, and elements behind one of its places.
fn around(step: &Step<'_>, axis: usize, runs: usize) -> (usize, usize) {
    let dims = || step.output.dims.iter().map(|dim| size(*dim));
    (runs * dims().take(axis).product::<usize>(), dims().skip(axis + 1).product())
}

pub(super) fn slice(step: &Step<'_>, axis: usize, start: usize, len: usize, x: Flat, runs: usize) -> Flat {
    let (before, behind) = around(step, axis, runs);
    let part: Burn<3, Int> = x.reshape([before, step.dim(0, axis), behind]).narrow(1, start, len);
    part.reshape([before * len * behind])
}

pub(super) fn concat(step: &Step<'_>, axis: usize, a: &Flat, b: &Flat, runs: usize) -> Flat {
    let (before, behind) = around(step, axis, runs);
    let (first, second) = (step.dim(0, axis), step.dim(1, axis));
    let parts: Vec<Burn<3, Int>> = vec![a.clone().reshape([before, first, behind]), b.clone().reshape([before, second, behind])];
    Burn::cat(parts, 1).reshape([before * (first + second) * behind])
}
