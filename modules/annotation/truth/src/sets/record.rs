//! The bytes of an inference of sets under way.

use super::{LabelOutcome, SetInference, SetParams};
use crate::{Error, GoldVerdict, Inference, Model, Params, bytes::Reader};

/// Format of the record.
const VERSION: u8 = 1;

impl SetParams {
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.labels.to_be_bytes());
        self.of_label().encode(bytes);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<SetParams> {
        let labels = reader.u16()?;
        let params = Params::read(reader)?;
        let Params { tasks, workers, target_bps, gate_bits, gold, .. } = params;
        let read = SetParams { tasks, labels, workers, target_bps, gate_bits, gold };
        (read.validate().is_ok() && read.of_label() == params).then_some(read)
    }
}

impl LabelOutcome {
    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend([self.model.number(), self.passes]);
        bytes.extend(self.gold.opened.to_be_bytes());
        bytes.extend(self.gold.void.to_be_bytes());
        bytes.extend(self.digest);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<LabelOutcome> {
        Some(LabelOutcome {
            model: Model::from_number(reader.u8()?)?,
            passes: reader.u8()?,
            gold: GoldVerdict { opened: reader.u32()?, void: reader.u32()? },
            digest: reader.array()?,
        })
    }
}

impl SetInference {
    /// The record as bytes; the format is in the README.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        self.params.encode(&mut bytes);
        bytes.extend(self.next.to_be_bytes());
        bytes.extend(self.answers.to_be_bytes());
        bytes.extend(self.results);
        bytes.push(u8::try_from(self.found.len()).unwrap_or(u8::MAX));
        for label in &self.found {
            label.encode(&mut bytes);
        }
        if let Some(inference) = &self.current {
            bytes.extend(inference.encode());
        }
        bytes
    }

    /// The inference that a record holds.
    ///
    /// # Errors
    /// [`Error::DamagedRecord`], or parameters out of range.
    pub fn decode(bytes: &[u8]) -> Result<SetInference, Error> {
        let mut reader = Reader(bytes);
        let mut inference = read(&mut reader).ok_or(Error::DamagedRecord)?;
        // The inference of a label is there as long as one is missing.
        if inference.found.len() < inference.params.labels.into() {
            inference.current = Some(Inference::decode(reader.0)?);
            let same = inference.current.as_ref().is_some_and(|label| *label.params() == inference.params.of_label());
            return if same { Ok(inference) } else { Err(Error::DamagedRecord) };
        }
        let full = inference.found.len() == usize::from(inference.params.labels) && reader.is_empty();
        if full { Ok(inference) } else { Err(Error::DamagedRecord) }
    }
}

fn read(reader: &mut Reader<'_>) -> Option<SetInference> {
    if reader.u8()? != VERSION {
        return None;
    }
    let mut inference = SetInference {
        params: SetParams::read(reader)?,
        next: reader.u32()?,
        answers: reader.u64()?,
        results: reader.array()?,
        found: vec![],
        current: None,
    };
    for _ in 0..reader.u8()? {
        inference.found.push(LabelOutcome::read(reader)?);
    }
    Some(inference)
}
