//! An axis: an enum whose values have names.

/// A text that names no value of an axis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no value of {axis}; one of: {known}")]
pub struct UnknownValue {
    /// The axis, as the command line spells it.
    pub axis: &'static str,
    /// What was given.
    pub given: String,
    /// The values there are, separated by commas.
    pub known: String,
}

/// Defines the values of one axis: an enum whose first value is the default, with
/// `AXIS`, `ALL`, `name`, `Display` and `FromStr`.
#[macro_export]
macro_rules! axis {
    (
        $(#[$meta:meta])*
        $axis:literal $type:ident {
            $(#[$first_meta:meta])* $first:ident = $first_name:literal,
            $( $(#[$value_meta:meta])* $value:ident = $name:literal, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[non_exhaustive]
        pub enum $type {
            $(#[$first_meta])*
            #[default]
            #[serde(rename = $first_name)]
            $first,
            $( $(#[$value_meta])* #[serde(rename = $name)] $value, )*
        }

        impl $type {
            /// The axis, as the command line and the results spell it.
            pub const AXIS: &'static str = $axis;
            /// Every value, the default first.
            pub const ALL: &'static [Self] = &[Self::$first, $(Self::$value),*];

            /// The value, as the command line and the results spell it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    Self::$first => $first_name,
                    $(Self::$value => $name,)*
                }
            }
        }

        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl ::std::str::FromStr for $type {
            type Err = $crate::axes::UnknownValue;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|value| value.name() == text).ok_or_else(|| {
                    $crate::axes::UnknownValue {
                        axis: Self::AXIS,
                        given: text.to_owned(),
                        known: Self::ALL.iter().map(|value| value.name()).collect::<Vec<_>>().join(", "),
                    }
                })
            }
        }
    };
}
