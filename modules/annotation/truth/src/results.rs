//! The pages that hold what the workers are paid by.

use crate::{Basis, Error, Failure, Page, Params, ReadPages, WorkerResult, bytes::Reader};

/// Format of the page.
const VERSION: u8 = 1;

pub(crate) fn encode(results: &[WorkerResult]) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    for result in results {
        bytes.extend(result.labels.to_be_bytes());
        bytes.extend(result.scored.to_be_bytes());
        bytes.extend(result.kappa.to_be_bytes());
        bytes.extend(result.share.to_be_bytes());
        bytes.push(result.basis.number());
    }
    bytes
}

fn record(reader: &mut Reader<'_>) -> Option<WorkerResult> {
    Some(WorkerResult {
        labels: reader.u32()?,
        scored: reader.u32()?,
        kappa: reader.i64()?,
        share: reader.u64()?,
        basis: Basis::from_number(reader.u8()?)?,
    })
}

/// The results of the workers on a sheet, in the order of their numbers.
///
/// # Errors
/// [`Error::Unfinished`] before the inference has written them, [`Error::Damaged`] where the page does not follow its format.
pub fn read_results<P: ReadPages>(pages: &P, params: &Params, sheet: u32) -> Result<Vec<WorkerResult>, Failure<P::Error>> {
    let page = Page::Results { sheet };
    let bytes = pages.read(page).map_err(Failure::Pages)?.ok_or(Error::Unfinished)?;
    let mut reader = Reader(&bytes);
    if reader.u8() != Some(VERSION) {
        return Err(Error::Damaged { page, reason: "unknown version" }.into());
    }
    let mut results = vec![];
    for _ in 0..params.workers_on(sheet) {
        results.push(record(&mut reader).ok_or(Error::Damaged { page, reason: "a record is cut off" })?);
    }
    if !reader.is_empty() {
        return Err(Error::Damaged { page, reason: "too many records" }.into());
    }
    Ok(results)
}

/// The result of one worker; reads one page.
///
/// # Errors
/// An unknown worker, or as [`read_results`].
pub fn read_result<P: ReadPages>(pages: &P, params: &Params, worker: u32) -> Result<WorkerResult, Failure<P::Error>> {
    let (sheet, place) = params.place(worker)?;
    Ok(*read_results(pages, params, sheet)?.get(place).ok_or(Error::Inconsistent)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Memory, Pages, params::Gold};

    #[test]
    fn results_survive_their_page() {
        let params = Params::new(1, 2, 2, Gold::None);
        let negative = WorkerResult { labels: 9, scored: 8, kappa: -5, share: 0, basis: Basis::Kappa };
        let paid = WorkerResult { labels: u32::MAX, scored: 0, kappa: i64::MAX, share: u64::MAX, basis: Basis::OneClass };
        let mut pages = Memory::default();
        assert_eq!(read_results(&pages, &params, 0), Err(Error::Unfinished.into()));
        pages.write(Page::Results { sheet: 0 }, encode(&[negative, paid])).unwrap();
        assert_eq!(read_results(&pages, &params, 0), Ok(vec![negative, paid]));
        assert_eq!(read_result(&pages, &params, 1), Ok(paid));
        assert_eq!(read_result(&pages, &params, 2), Err(Error::NoSuchWorker { worker: 2, workers: 2 }.into()));
        for (results, expected) in [(&[negative][..], "a record is cut off"), (&[negative, paid, paid], "too many records")] {
            pages.write(Page::Results { sheet: 0 }, encode(results)).unwrap();
            let found = read_results(&pages, &params, 0).unwrap_err();
            assert!(matches!(found, Failure::Truth(Error::Damaged { reason, .. }) if reason == expected));
        }
    }
}
