//! Tells the linker that Node supplies the symbols of its native interface.

fn main() {
    napi_build::setup();
}
