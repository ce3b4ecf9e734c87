//! The one door to candle: a model of the BERT family, sentences → unit vectors.

use std::{fs, path::Path};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use tokenizers::{PaddingParams, PaddingStrategy, Tokenizer, TruncationParams};

use crate::error::Error;

/// Sentences embedded at once.
const BATCH: usize = 64;
/// Tokens of a sentence that are read.
const TOKENS: usize = 96;
/// A small model; a large one would take minutes a template.
const MOST_BYTES: u64 = 2 << 30;

pub(super) struct Bert {
    model: BertModel,
    tokenizer: Tokenizer,
}

impl std::fmt::Debug for Bert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bert").finish_non_exhaustive()
    }
}

impl Bert {
    pub(super) fn open(dir: &Path) -> Result<Self, Error> {
        let read = |name: &str| {
            let path = dir.join(name);
            let size = fs::metadata(&path).map(|m| m.len());
            let bytes = size.and_then(|size| {
                let big = std::io::Error::other("larger than 2 GiB: no small sentence model");
                if size > MOST_BYTES { Err(big) } else { fs::read(&path) }
            });
            bytes.map_err(|cause| Error::Read { path, cause })
        };
        let config: Config = serde_json::from_slice(&read("config.json")?).map_err(|e| bad(dir, &e))?;
        let mut tokenizer = Tokenizer::from_bytes(read("tokenizer.json")?).map_err(|e| bad(dir, &e))?;
        let length = TruncationParams { max_length: TOKENS.min(config.max_position_embeddings), ..Default::default() };
        tokenizer.with_truncation(Some(length)).map_err(|e| bad(dir, &e))?;
        let longest = PaddingParams { strategy: PaddingStrategy::BatchLongest, ..Default::default() };
        tokenizer.with_padding(Some(longest));
        let weights = VarBuilder::from_buffered_safetensors(read("model.safetensors")?, DType::F32, &Device::Cpu);
        let model = weights.and_then(|w| BertModel::load(w, &config)).map_err(|e| bad(dir, &e))?;
        Ok(Bert { model, tokenizer })
    }

    /// One unit vector a text: the mean over its tokens. Texts are sorted by length for speed, the answer is in order.
    pub(super) fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by_key(|i| (texts[*i].len(), *i));
        let mut vectors = vec![Vec::new(); texts.len()];
        for some in order.chunks(BATCH) {
            let batch: Vec<&str> = some.iter().map(|i| texts[*i].as_str()).collect();
            let embedded = self.batch(batch).map_err(|e| bad(Path::new("language model"), &e))?;
            for (i, vector) in some.iter().zip(embedded) {
                vectors[*i] = vector;
            }
        }
        Ok(vectors)
    }

    fn batch(&self, texts: Vec<&str>) -> Result<Vec<Vec<f32>>, Box<dyn std::error::Error + Send + Sync>> {
        let encoded = self.tokenizer.encode_batch(texts, true)?;
        let tensor = |of: fn(&tokenizers::Encoding) -> &[u32]| {
            let rows: Vec<Vec<u32>> = encoded.iter().map(|e| of(e).to_vec()).collect();
            Tensor::new(rows, &Device::Cpu)
        };
        let (ids, mask) = (tensor(tokenizers::Encoding::get_ids)?, tensor(tokenizers::Encoding::get_attention_mask)?);
        let states = self.model.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
        let weight = mask.to_dtype(DType::F32)?.unsqueeze(2)?;
        let mean = states.broadcast_mul(&weight)?.sum(1)?.broadcast_div(&weight.sum(1)?)?;
        let unit = mean.broadcast_div(&mean.sqr()?.sum_keepdim(1)?.sqrt()?.maximum(1e-9)?)?;
        Ok(unit.to_vec2()?)
    }
}

fn bad(place: &Path, cause: &dyn std::fmt::Display) -> Error {
    let cause = cause.to_string();
    let line = cause.lines().next().unwrap_or_default();
    Error::Data {
        name: place.display().to_string(),
        cause: format!(
            "{line}; this stage needs config.json, tokenizer.json and model.safetensors of a BERT sentence model"
        ),
    }
}
