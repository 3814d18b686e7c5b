//! Types of results, and what an operator refuses.
use crate::{Kind, Op, TensorType};

type Fault = &'static str;

/// Longest row of sums of products without a bias: 128 * 128 * 131,071 < 2^31.
const MAX_DEPTH: u32 = 131_071;
/// With one, which counts up to 2^30.
const MAX_DEPTH_BIASED: u32 = 65_535;
/// Longest row of a layer norm: squares of its distances stay below 2^63.
const MAX_NORM: u32 = 4_096;
/// Most elements of a sealed operator's input and output.
const MAX_SEALED: (u32, u32) = (4_096, 256);

/// The type of an operator's result.
pub(crate) fn infer(op: &Op, operands: &[TensorType]) -> Result<TensorType, Fault> {
    match (op, operands) {
        (Op::Linear, [x, w, bias @ ..]) => linear(x, w, bias),
        (Op::MatMul { right }, [a, b]) => matmul(a, b, *right == crate::Orientation::Transposed),
        (Op::Conv2d { stride, padding }, [x, w, bias @ ..]) => conv(x, w, bias, *stride, *padding),
        (Op::MaxPool { window, stride }, [x]) => pool(x, *window, *stride, Kind::I8),
        (Op::SumPool { window, stride }, [x]) => pool(x, *window, *stride, Kind::I32),
        (Op::Add, [a, b]) if a == b => Ok(TensorType::new(Kind::I32, &a.dims)),
        (Op::Add, [_, _]) => Err("addends have one shape and kind"),
        (Op::Relu, [x]) => Ok(x.clone()),
        (Op::Requantise { multiplier, shift }, [x]) if (1..=32_768).contains(multiplier) && *shift <= 46 => {
            Ok(TensorType::new(Kind::I8, &x.dims))
        }
        (Op::Requantise { .. }, [_]) => Err("a multiplier is 1 to 32,768, a shift at most 46"),
        (Op::Embed, [indices, table]) => embed(indices, table),
        (Op::Table, [x, table]) if x.kind == Kind::I8 && *table == TensorType::new(Kind::I8, &[256]) => Ok(x.clone()),
        (Op::Table, [_, _]) => Err("a table has 256 entries of i8 and is read by i8"),
        (Op::Softmax { causal }, [x, weights]) => softmax(x, weights, *causal),
        (Op::LayerNorm, [x, gain, bias]) => layer_norm(x, gain, bias),
        (Op::Argmax, [x]) => Ok(TensorType::new(Kind::I32, &outer(x))),
        (Op::Transpose { perm }, [x]) => transpose(x, perm),
        (Op::Reshape { dims }, [x]) => reshape(x, dims),
        (Op::Slice { axis, start, len }, [x]) => slice(x, *axis, *start, *len),
        (Op::Concat { axis }, [a, b]) => concat(a, b, *axis),
        (Op::Sealed { outputs, kind, .. }, [x]) => sealed(x, *outputs, *kind),
        _ => Err("another number of operands"),
    }
}

fn bytes(tensors: &[&TensorType]) -> Result<(), Fault> {
    if tensors.iter().all(|t| t.kind == Kind::I8) { Ok(()) } else { Err("factors are i8") }
}

/// A bias of so many channels, or none; with it rows may be half as long.
fn check_bias(bias: &[TensorType], channels: u32, depth: u32) -> Result<(), Fault> {
    let most = match bias {
        [] => MAX_DEPTH,
        [b] if *b == TensorType::new(Kind::I32, &[channels]) => MAX_DEPTH_BIASED,
        _ => return Err("a bias has one i32 a channel"),
    };
    if depth <= most { Ok(()) } else { Err("sums of so many products could overflow; split along k and add") }
}

/// All dimensions but the last one; `[1]` where there is no other.
fn outer(x: &TensorType) -> Vec<u32> {
    match x.dims.split_last() {
        Some((_, rest)) if !rest.is_empty() => rest.to_vec(),
        _ => vec![1],
    }
}

fn linear(x: &TensorType, w: &TensorType, bias: &[TensorType]) -> Result<TensorType, Fault> {
    bytes(&[x, w])?;
    let [m, k] = w.dims.as_slice() else { return Err("weights of a linear operator are [M, K]") };
    if x.last() != *k {
        return Err("rows of a linear operator are as long as those of its weights");
    }
    check_bias(bias, *m, *k)?;
    let mut dims = x.dims.clone();
    dims.pop();
    dims.push(*m);
    Ok(TensorType::new(Kind::I32, &dims))
}

fn matmul(a: &TensorType, b: &TensorType, transposed: bool) -> Result<TensorType, Fault> {
    bytes(&[a, b])?;
    let ([batch, n, k], [same, p, q]) = (a.dims.as_slice(), b.dims.as_slice()) else { return Err("factors are [B, N, K] and [B, .., ..]") };
    let (depth, m) = if transposed { (q, p) } else { (p, q) };
    if batch != same || k != depth {
        return Err("factors do not fit");
    }
    check_bias(&[], 0, *k)?;
    Ok(TensorType::new(Kind::I32, &[*batch, *n, *m]))
}

fn conv(x: &TensorType, w: &TensorType, bias: &[TensorType], stride: [u16; 2], padding: [u16; 2]) -> Result<TensorType, Fault> {
    bytes(&[x, w])?;
    let ([h, width, c], [o, kh, kw, same]) = (x.dims.as_slice(), w.dims.as_slice()) else {
        return Err("images are [H, W, C], weights [O, kh, kw, C]");
    };
    if c != same || u32::from(padding[0]) >= *kh || u32::from(padding[1]) >= *kw {
        return Err("channels differ, or the padding is as large as the window");
    }
    let depth = kh.checked_mul(*kw).and_then(|area| area.checked_mul(*c)).ok_or("the window is too large")?;
    check_bias(bias, *o, depth)?;
    let down = places(*h, padding[0], *kh, stride[0])?;
    let right = places(*width, padding[1], *kw, stride[1])?;
    Ok(TensorType::new(Kind::I32, &[down, right, *o]))
}

fn pool(x: &TensorType, window: [u16; 2], stride: [u16; 2], kind: Kind) -> Result<TensorType, Fault> {
    bytes(&[x])?;
    let [h, w, c] = x.dims.as_slice() else { return Err("images are [H, W, C]") };
    Ok(TensorType::new(kind, &[places(*h, 0, window[0].into(), stride[0])?, places(*w, 0, window[1].into(), stride[1])?, *c]))
}

/// How many windows fit along a dimension.
fn places(size: u32, padding: u16, window: u32, stride: u16) -> Result<u32, Fault> {
    let room = u32::from(padding).checked_mul(2).and_then(|p| p.checked_add(size)).and_then(|all| all.checked_sub(window));
    let steps = room.filter(|_| window > 0).and_then(|room| room.checked_div(stride.into()));
    steps.and_then(|steps| steps.checked_add(1)).ok_or("no window fits, or the stride is 0")
}

fn embed(indices: &TensorType, table: &TensorType) -> Result<TensorType, Fault> {
    match (indices.dims.as_slice(), table.dims.as_slice(), table.kind) {
        ([n], [_, d], Kind::I8) => Ok(TensorType::new(Kind::I8, &[*n, *d])),
        _ => Err("indices are [N], their table is [V, D] of i8"),
    }
}

fn softmax(x: &TensorType, weights: &TensorType, causal: bool) -> Result<TensorType, Fault> {
    if x.kind != Kind::I8 || *weights != TensorType::new(Kind::I32, &[256]) || (causal && x.dims.len() < 2) {
        return Err("scores are i8 rows, their weights 256 of i32");
    }
    Ok(x.clone())
}

fn layer_norm(x: &TensorType, gain: &TensorType, bias: &TensorType) -> Result<TensorType, Fault> {
    let row = TensorType::new(Kind::I8, &[x.last()]);
    if x.kind != Kind::I8 || *gain != row || *bias != row || x.last() > MAX_NORM {
        return Err("rows, gain and bias are i8 of one length, at most 4,096");
    }
    Ok(x.clone())
}

fn transpose(x: &TensorType, perm: &[u8]) -> Result<TensorType, Fault> {
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    if sorted.len() != x.dims.len() || !sorted.iter().enumerate().all(|(i, axis)| i == usize::from(*axis)) {
        return Err("an order of dimensions names each once");
    }
    let dims: Vec<u32> = perm.iter().filter_map(|axis| x.dims.get(usize::from(*axis)).copied()).collect();
    Ok(TensorType::new(x.kind, &dims))
}

fn reshape(x: &TensorType, dims: &[u32]) -> Result<TensorType, Fault> {
    let shaped = TensorType::new(x.kind, dims);
    if shaped.elements().is_ok_and(|n| Ok(n) == x.elements()) { Ok(shaped) } else { Err("another number of elements") }
}

fn slice(x: &TensorType, axis: u8, start: u32, len: u32) -> Result<TensorType, Fault> {
    let mut dims = x.dims.clone();
    let dim = dims.get_mut(usize::from(axis)).ok_or("no such dimension")?;
    if len == 0 || start.checked_add(len).is_none_or(|end| end > *dim) {
        return Err("the part is empty or beyond its dimension");
    }
    *dim = len;
    Ok(TensorType::new(x.kind, &dims))
}

fn concat(a: &TensorType, b: &TensorType, axis: u8) -> Result<TensorType, Fault> {
    let axis = usize::from(axis);
    let rest = |t: &TensorType| t.dims.iter().enumerate().filter(|(i, _)| *i != axis).map(|(_, d)| *d).collect::<Vec<_>>();
    let (Some(first), Some(second)) = (a.dims.get(axis), b.dims.get(axis)) else { return Err("no such dimension") };
    if a.kind != b.kind || a.dims.len() != b.dims.len() || rest(a) != rest(b) {
        return Err("joined tensors differ in more than that dimension");
    }
    let mut dims = a.dims.clone();
    if let (Some(dim), Some(sum)) = (dims.get_mut(axis), first.checked_add(*second)) {
        *dim = sum;
    }
    Ok(TensorType::new(a.kind, &dims))
}

fn sealed(x: &TensorType, outputs: u32, kind: Kind) -> Result<TensorType, Fault> {
    let small = x.elements().is_ok_and(|n| n <= MAX_SEALED.0) && (1..=MAX_SEALED.1).contains(&outputs);
    if x.kind == Kind::I8 && small {
        Ok(TensorType::new(kind, &[outputs]))
    } else {
        Err("a sealed network has at most 4,096 inputs of i8 and 256 outputs")
    }
}
