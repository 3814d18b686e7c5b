//! Attributes of nodes. Each operator has those of ONNX; any other is refused by its name, and none is passed over that changes what a node computes.
use super::wire::{Attribute, Node};

/// Kinds of attributes, by their numbers in `onnx.proto`.
const FLOAT: i32 = 1;
const INT: i32 = 2;
const TEXT: i32 = 3;
const TENSOR: i32 = 4;
const INTS: i32 = 7;

/// The attributes of an operator with their kinds; `None` where it is not known.
fn known(operator: &str) -> Option<&'static [(&'static str, i32)]> {
    Some(match operator {
        "Relu" | "Identity" | "MatMul" | "Add" | "GlobalAveragePool" => &[],
        // What it drops in training; an inference drops nothing.
        "Dropout" => &[("ratio", FLOAT), ("seed", INT)],
        "Softmax" | "LogSoftmax" | "Flatten" => &[("axis", INT)],
        "Gemm" => &[("alpha", FLOAT), ("beta", FLOAT), ("transA", INT), ("transB", INT)],
        "Conv" => &[("auto_pad", TEXT), ("dilations", INTS), ("group", INT), ("kernel_shape", INTS), ("pads", INTS), ("strides", INTS)],
        // The order of its second result, which no chain takes.
        "MaxPool" => &[
            ("auto_pad", TEXT),
            ("ceil_mode", INT),
            ("dilations", INTS),
            ("kernel_shape", INTS),
            ("pads", INTS),
            ("storage_order", INT),
            ("strides", INTS),
        ],
        // Whether zeros of a padding count, of which there are none.
        "AveragePool" => &[
            ("auto_pad", TEXT),
            ("ceil_mode", INT),
            ("count_include_pad", INT),
            ("dilations", INTS),
            ("kernel_shape", INTS),
            ("pads", INTS),
            ("strides", INTS),
        ],
        "Reshape" => &[("allowzero", INT)],
        "Constant" => &[("value", TENSOR)],
        _ => return None,
    })
}

/// The attributes of a node, each of which its operator has, of its kind, and once.
#[derive(Clone, Copy)]
pub(super) struct Settings<'a>(&'a [Attribute]);

/// How a window moves over an image.
pub(super) struct Windows {
    /// Height and width.
    pub window: [u16; 2],
    /// Down and right.
    pub stride: [u16; 2],
    /// Rows above and below, columns left and right.
    pub padding: [u16; 2],
}

impl<'a> Settings<'a> {
    pub(super) fn of(node: &'a Node) -> Result<Self, String> {
        let known = known(&node.op_type).ok_or("this operator is not known here")?;
        for (at, attribute) in node.attribute.iter().enumerate() {
            let name = &attribute.name;
            let (_, kind) =
                known.iter().find(|(known, _)| known == name).ok_or_else(|| format!("its attribute `{name}` is not known here"))?;
            if attribute.r#type != 0 && attribute.r#type != *kind {
                return Err(format!("its attribute `{name}` is of another kind than ONNX gives it"));
            }
            if node.attribute.iter().skip(at + 1).any(|other| other.name == *name) {
                return Err(format!("it has its attribute `{name}` twice"));
            }
        }
        Ok(Self(&node.attribute))
    }

    pub(super) fn get(self, name: &str) -> Option<&'a Attribute> {
        self.0.iter().find(|attribute| attribute.name == name)
    }

    pub(super) fn int(self, name: &str, default: i64) -> i64 {
        self.get(name).map_or(default, |attribute| attribute.i)
    }

    pub(super) fn float(self, name: &str, default: f32) -> f32 {
        self.get(name).map_or(default, |attribute| attribute.f)
    }

    /// An axis of so many, which may be counted from behind.
    pub(super) fn axis(self, default: i64, rank: i64) -> i64 {
        let axis = self.int("axis", default);
        if axis < 0 { axis.saturating_add(rank) } else { axis }
    }

    /// A list of `N` numbers; `None` where there is none.
    fn list<const N: usize>(self, name: &str) -> Result<Option<[u16; N]>, String> {
        let Some(found) = self.get(name) else { return Ok(None) };
        let numbers: Option<Vec<u16>> = found.ints.iter().map(|n| u16::try_from(*n).ok()).collect();
        let numbers: Option<[u16; N]> = numbers.and_then(|numbers| numbers.try_into().ok());
        numbers.map(Some).ok_or_else(|| format!("its {name} are not {N} numbers of 0 to 65,535"))
    }

    /// How a window moves over an image of a height and width; its size may follow from the weights.
    pub(super) fn windows(self, of_weights: Option<[u16; 2]>, image: [usize; 2]) -> Result<Windows, String> {
        let window = self.list::<2>("kernel_shape")?.or(of_weights).ok_or("it has no kernel_shape")?;
        if of_weights.is_some_and(|weights| weights != window) {
            return Err("its kernel_shape is not that of its weights".to_owned());
        }
        if self.list::<2>("dilations")?.is_some_and(|dilations| dilations != [1, 1]) {
            return Err("its dilations are not 1".to_owned());
        }
        let stride = self.list::<2>("strides")?.unwrap_or([1, 1]);
        let pads = self.list::<4>("pads")?;
        let [top, left, bottom, right] = match (self.get("auto_pad").map(|attribute| attribute.s.as_slice()), pads) {
            (None | Some(b"" | b"NOTSET"), pads) => pads.unwrap_or_default(),
            (Some(b"VALID"), None | Some([0, 0, 0, 0])) => [0; 4],
            (Some(b"SAME_UPPER" | b"SAME_LOWER"), None | Some([0, 0, 0, 0])) => {
                let [above, beside] = [0, 1].map(|axis| same(image[axis], window[axis], stride[axis]));
                let (above, beside) = (above?, beside?);
                [above, beside, above, beside]
            }
            _ => return Err("its auto_pad is not known, or it has pads as well".to_owned()),
        };
        if top != bottom || left != right {
            return Err(UNEVEN.to_owned());
        }
        Ok(Windows { window, stride, padding: [top, left] })
    }
}

const UNEVEN: &str = "its padding differs on opposite sides";

/// The padding on either side with which a window has as many places as strides begin in a dimension.
fn same(size: usize, window: u16, stride: u16) -> Result<u16, String> {
    let (window, stride) = (usize::from(window), usize::from(stride));
    let places = size.checked_add(stride).and_then(|n| n.checked_sub(1)?.checked_div(stride)).ok_or("its stride is 0")?;
    let reach = places.saturating_sub(1).saturating_mul(stride).saturating_add(window);
    let padding = reach.saturating_sub(size);
    if padding % 2 == 0 { u16::try_from(padding / 2).map_err(|_| "its window is too large".to_owned()) } else { Err(UNEVEN.to_owned()) }
}
