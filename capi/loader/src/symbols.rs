//! Functions by their names.

use libloading::Library;
use std::path::Path;

/// Loads a library.
pub(crate) fn load(path: &Path) -> Result<Library, String> {
    // SAFETY: the initialisers of a library that somebody asks to have judged are run, as the
    // loader would for a program linked to it; that is what loading it means.
    unsafe { Library::new(path) }.map_err(|error| format!("{}: {error}", path.display()))
}

/// The functions of a library, each with the type of its declaration in the header. A library may
/// lack some: those of other releases, for example.
macro_rules! functions {
    ($(#[$doc:meta])* $name:ident { $($function:ident: fn($($argument:ty),*);)* }) => {
        $(#[$doc])*
        pub(crate) struct $name {
            $($function: Option<unsafe extern "C" fn($($argument),*) -> u32>,)*
            /// Functions are valid while it is loaded.
            _library: libloading::Library,
        }

        impl $name {
            pub(crate) fn find(library: libloading::Library) -> Self {
                $(
                    // SAFETY: the type is the one that the header declares for this name; the
                    // pointer is kept only together with the library.
                    let $function = unsafe {
                        library.get::<unsafe extern "C" fn($($argument),*) -> u32>(
                            concat!(stringify!($function), "\0").as_bytes(),
                        )
                    }
                    .ok()
                    .map(|it| *it);
                )*
                Self { $($function,)* _library: library }
            }

            $(
                pub(crate) fn $function(
                    &self,
                ) -> ais_types::Outcome<unsafe extern "C" fn($($argument),*) -> u32> {
                    self.$function.ok_or_else(|| crate::lacks(stringify!($function)))
                }
            )*
        }
    };
}
pub(crate) use functions;
