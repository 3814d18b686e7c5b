//! Models: files, quantisation, conversion, training.
