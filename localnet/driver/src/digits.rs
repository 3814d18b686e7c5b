//! The running example: 1,797 handwritten digits of 8x8 pixels (E. Alpaydin and C. Kaynak, UCI repository, 1998), as scikit-learn ships them.
use std::{
    fs::{self, File},
    io::{BufReader, BufWriter, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use flate2::read::GzDecoder;
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use sha2::{Digest, Sha256};

/// SHA-256 of `digits.csv.gz`, so that everybody runs the same job.
pub const SHA256: &str = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22";
/// Pictures in the set.
pub const COUNT: usize = 1_797;
/// Pixels on a side.
const SIDE: usize = 8;
/// Brightness in the source, 0 to 16, to that of a picture, 0 to 255.
const LEVELS: u16 = 16;

/// One picture.
#[derive(Debug, Clone)]
pub struct Digit {
    /// Rows from the top, 0 to 16.
    pub pixels: [u8; SIDE * SIDE],
    /// What was written.
    pub label: u16,
}

/// Write the digits as a job's folder: items/*.png, gold.csv for the requester, truth.csv for the report, job.toml.
#[derive(Debug, Args)]
pub struct DigitsArgs {
    /// digits.csv.gz of scikit-learn.
    #[arg(long)]
    csv: PathBuf,
    /// The job description to copy beside the items.
    #[arg(long)]
    job: PathBuf,
    /// The folder to write.
    #[arg(long)]
    out: PathBuf,
    /// Use only the first N pictures.
    #[arg(long)]
    limit: Option<usize>,
    /// Tasks of a bucket; one gold item is chosen for each.
    #[arg(long, default_value_t = 20)]
    bucket_size: usize,
    /// Which pictures the requester labels as gold is drawn with this seed.
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

impl DigitsArgs {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let mut digits = read(&self.csv)?;
        digits.truncate(self.limit.unwrap_or(COUNT));
        write(&digits, self.bucket_size, self.seed, &self.out)?;
        fs::copy(&self.job, self.out.join("job.toml")).with_context(|| format!("cannot copy {}", self.job.display()))?;
        println!("wrote {} pictures to {}", digits.len(), self.out.display());
        Ok(())
    }
}

/// Reads and checks the compressed CSV.
pub fn read(path: &Path) -> Result<Vec<Digit>> {
    let mut packed = Vec::new();
    File::open(path).with_context(|| format!("cannot read {}", path.display()))?.take(1 << 20).read_to_end(&mut packed)?;
    let found = hex::encode(Sha256::digest(&packed));
    if found != SHA256 {
        bail!("{} has SHA-256 {found}, expected {SHA256}", path.display());
    }
    parse(GzDecoder::new(packed.as_slice()).take(1 << 22))
}

fn parse(text: impl Read) -> Result<Vec<Digit>> {
    let mut digits = Vec::with_capacity(COUNT);
    for row in csv::ReaderBuilder::new().has_headers(false).from_reader(BufReader::new(text)).records() {
        let row = row?;
        let numbers: Vec<u8> = row.iter().map(|f| f.trim().parse::<u8>()).collect::<Result<_, _>>().context("a pixel is no number")?;
        let (label, pixels) = numbers.split_last().context("an empty row")?;
        let pixels: [u8; SIDE * SIDE] = pixels.try_into().ok().with_context(|| format!("a row has {} pixels", pixels.len()))?;
        if *label > 9 || pixels.iter().any(|p| u16::from(*p) > LEVELS) {
            bail!("a pixel or label is out of range");
        }
        digits.push(Digit { pixels, label: u16::from(*label) });
    }
    Ok(digits)
}

impl Digit {
    /// The picture as PNG, 8 bits of grey.
    pub fn png(&self) -> Result<Vec<u8>> {
        let side = u32::try_from(SIDE)?;
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(BufWriter::new(&mut out), side, side);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        let grey: Vec<u8> = self.pixels.iter().map(|p| brightness(*p)).collect();
        encoder.write_header()?.write_image_data(&grey)?;
        Ok(out)
    }
}

fn brightness(pixel: u8) -> u8 {
    let scaled = u16::from(pixel).saturating_mul(255) / LEVELS;
    u8::try_from(scaled).unwrap_or(u8::MAX)
}

/// Writes `items/`, `gold.csv` and `truth.csv`. The gold is as many items as there are buckets, drawn with `seed`.
pub fn write(digits: &[Digit], bucket_size: usize, seed: u64, out: &Path) -> Result<()> {
    let items = out.join("items");
    fs::create_dir_all(&items).with_context(|| format!("cannot create {}", items.display()))?;
    let name = |i: usize| format!("{i:04}.png");
    for (i, digit) in digits.iter().enumerate() {
        fs::write(items.join(name(i)), digit.png()?)?;
    }
    let mut order: Vec<usize> = (0..digits.len()).collect();
    order.shuffle(&mut StdRng::seed_from_u64(seed));
    let mut gold: Vec<usize> = order.into_iter().take(digits.len().div_ceil(bucket_size.max(1))).collect();
    gold.sort_unstable();
    let table = |file: &str, rows: &mut dyn Iterator<Item = usize>| -> Result<()> {
        let mut writer = csv::Writer::from_path(out.join(file))?;
        writer.write_record(["item", "class"])?;
        for i in rows {
            let digit = digits.get(i).context("a row beyond the set")?;
            writer.write_record([name(i), digit.label.to_string()])?;
        }
        Ok(writer.flush()?)
    };
    table("gold.csv", &mut gold.into_iter())?;
    table("truth.csv", &mut (0..digits.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(label: u8) -> String {
        format!("{},{label}\n", vec!["16"; SIDE * SIDE].join(","))
    }

    #[test]
    fn rows_become_pictures_and_tables() {
        let text: String = (0..25).map(|i| row(i % 10)).collect();
        let digits = parse(text.as_bytes()).unwrap();
        assert_eq!((digits.len(), digits[3].label), (25, 3));
        let folder = tempfile::tempdir().unwrap();
        write(&digits, 10, 1, folder.path()).unwrap();
        let gold = fs::read_to_string(folder.path().join("gold.csv")).unwrap();
        assert_eq!(gold.lines().count(), 4);
        let decoder = png::Decoder::new(File::open(folder.path().join("items/0003.png")).unwrap());
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels, [255; 64]);
    }

    #[test]
    fn rows_out_of_range_and_foreign_files_are_refused() {
        assert!(parse(row(10).as_bytes()).is_err());
        assert!(parse("1,2,3\n".as_bytes()).is_err());
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(read(file.path()).unwrap_err().to_string().contains("expected"));
    }
}
