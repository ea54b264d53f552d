//! Run folders: manifest, artefacts, state.
