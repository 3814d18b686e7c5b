//! The bytes of an inference under way.

use crate::{
    Error, GoldVerdict, Inference, Model, Params,
    bytes::Reader,
    inference::{Fit, Phase},
    params::Gold,
};

/// Format of the record.
const VERSION: u8 = 2;

impl Params {
    pub(crate) fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.tasks.to_be_bytes());
        bytes.extend(self.classes.to_be_bytes());
        bytes.extend(self.workers.to_be_bytes());
        bytes.extend(self.target_bps.to_be_bytes());
        bytes.extend(self.gate_bits.to_be_bytes());
        bytes.push(self.gold.number());
    }

    /// Parameters as they were written; they may be out of range.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Params> {
        Some(Params {
            tasks: reader.u32()?,
            classes: reader.u16()?,
            workers: reader.u32()?,
            target_bps: reader.u32()?,
            gate_bits: reader.i32()?,
            gold: Gold::from_number(reader.u8()?)?,
        })
    }
}

impl Inference {
    /// The record as bytes; the format is in the README.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        self.params.encode(&mut bytes);
        bytes.push(self.phase.number());
        bytes.extend(self.next.to_be_bytes());
        bytes.extend(self.gold.opened.to_be_bytes());
        bytes.extend(self.gold.void.to_be_bytes());
        bytes.extend(self.truths.to_be_bytes());
        bytes.extend(self.labels.to_be_bytes());
        bytes.extend(self.posteriors);
        bytes.extend(self.results);
        bytes.push(self.chosen);
        for fit in &self.fits {
            bytes.extend([fit.model.number(), fit.passes]);
            for number in [fit.moved, fit.right, fit.seen].iter().chain(&fit.sums) {
                bytes.extend(number.to_be_bytes());
            }
        }
        bytes
    }

    /// The inference that a record holds.
    ///
    /// # Errors
    /// [`Error::DamagedRecord`], or parameters out of range.
    pub fn decode(bytes: &[u8]) -> Result<Inference, Error> {
        let inference = read(&mut Reader(bytes)).ok_or(Error::DamagedRecord)?;
        inference.params.validate()?;
        let models = inference.fits.iter().map(|fit| fit.model);
        let in_order = models.eq(Model::ALL.into_iter().take(inference.fits.len()));
        let known = inference.phase == Phase::Tally || usize::from(inference.chosen) < inference.fits.len();
        if in_order && known { Ok(inference) } else { Err(Error::DamagedRecord) }
    }
}

fn read(reader: &mut Reader<'_>) -> Option<Inference> {
    if reader.u8()? != VERSION {
        return None;
    }
    let params = Params::read(reader)?;
    let mut inference = Inference {
        params,
        phase: Phase::from_number(reader.u8()?)?,
        next: reader.u32()?,
        gold: GoldVerdict { opened: reader.u32()?, void: reader.u32()? },
        truths: reader.u64()?,
        labels: reader.u64()?,
        posteriors: reader.array()?,
        results: reader.array()?,
        chosen: reader.u8()?,
        fits: vec![],
    };
    while !reader.is_empty() {
        let mut fit = Fit {
            model: Model::from_number(reader.u8()?)?,
            passes: reader.u8()?,
            moved: reader.u64()?,
            right: reader.u64()?,
            seen: reader.u64()?,
            sums: vec![],
        };
        for _ in 0..params.classes {
            fit.sums.push(reader.u64()?);
        }
        inference.fits.push(fit);
    }
    Some(inference)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halfway() -> Inference {
        let mut inference = Inference::open(Params::new(2_000, 3, 70_000, Gold::Opened)).unwrap();
        inference.phase = Phase::Pass;
        inference.next = 1;
        inference.gold = GoldVerdict { opened: 20, void: 1 };
        inference.labels = 6_000;
        inference.posteriors = [7; 32];
        inference.results = [8; 32];
        for model in [Model::DawidSkene, Model::OneCoin] {
            inference.fits.push(Fit { model, passes: 3, moved: 4, right: 5, seen: 6, sums: vec![1, 2, u64::MAX] });
        }
        inference
    }

    #[test]
    fn a_record_survives_its_bytes() {
        let inference = halfway();
        assert_eq!(Inference::decode(&inference.encode()), Ok(inference));
        let fresh = Inference::open(Params::new(1, 2, 0, Gold::None)).unwrap();
        assert_eq!(Inference::decode(&fresh.encode()), Ok(fresh));
    }

    #[test]
    fn no_damaged_record_is_taken() {
        let bytes = halfway().encode();
        for length in 0..bytes.len() {
            // A record may end where a fit ends, but not before one.
            let cut = Inference::decode(&bytes[..length]);
            assert!(cut.is_err() || cut.is_ok_and(|cut| cut.fits.len() < 2), "{length} bytes");
        }
        assert_eq!(Inference::decode(&[&bytes[..], &[0]].concat()), Err(Error::DamagedRecord));
        let mut other = halfway();
        other.chosen = 2;
        assert_eq!(Inference::decode(&other.encode()), Err(Error::DamagedRecord));
        other = halfway();
        other.fits.reverse();
        assert_eq!(Inference::decode(&other.encode()), Err(Error::DamagedRecord));
        other = halfway();
        other.params.classes = 1;
        assert!(Inference::decode(&other.encode()).is_err());
    }
}
