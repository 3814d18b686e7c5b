//! The bytes of a ranking under way.

use super::{Ranking, RankingParams, Stage};
use crate::{Error, Model, bytes::Reader};

/// Format of the record.
const VERSION: u8 = 1;

impl Stage {
    const ALL: [Stage; 5] = [Stage::Count, Stage::Sweep, Stage::Advance, Stage::Close, Stage::Done];

    fn number(self) -> u8 {
        match self {
            Stage::Count => 0,
            Stage::Sweep => 1,
            Stage::Advance => 2,
            Stage::Close => 3,
            Stage::Done => 4,
        }
    }
}

impl Ranking {
    /// The record as bytes; the format is in the README.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend(self.params.tasks.to_be_bytes());
        bytes.extend(self.params.items.to_be_bytes());
        bytes.extend(self.params.classes.to_be_bytes());
        bytes.extend([self.params.model.number(), self.stage.number()]);
        bytes.extend(self.next.to_be_bytes());
        bytes.extend(self.passes.to_be_bytes());
        bytes.extend(self.streak.to_be_bytes());
        bytes.push(self.moved.into());
        bytes.extend(self.against.to_be_bytes());
        bytes.extend(self.strengths);
        bytes
    }

    /// The ranking that a record holds.
    ///
    /// # Errors
    /// [`Error::DamagedRecord`], or parameters out of range.
    pub fn decode(bytes: &[u8]) -> Result<Ranking, Error> {
        let mut reader = Reader(bytes);
        let ranking = read(&mut reader).filter(|_| reader.is_empty()).ok_or(Error::DamagedRecord)?;
        ranking.params.validate()?;
        Ok(ranking)
    }
}

fn read(reader: &mut Reader<'_>) -> Option<Ranking> {
    if reader.u8()? != VERSION {
        return None;
    }
    let (tasks, items, classes) = (reader.u32()?, reader.u32()?, reader.u16()?);
    let params = RankingParams { tasks, items, classes, model: Model::from_number(reader.u8()?)? };
    let stage = reader.u8().and_then(|number| Stage::ALL.into_iter().find(|stage| stage.number() == number))?;
    let (next, passes, streak) = (reader.u32()?, reader.u16()?, reader.u16()?);
    let moved = match reader.u8()? {
        0 => false,
        1 => true,
        _ => return None,
    };
    Some(Ranking { params, stage, next, passes, streak, moved, against: reader.i64()?, strengths: reader.array()? })
}
