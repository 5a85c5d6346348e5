# Compiler and linker flags, in one interface library that every target of ours links.
# -Werror is set only by the developer and CI presets (CMAKE_COMPILE_WARNING_AS_ERROR), never for packagers.
include(CheckCCompilerFlag)

add_library(project_flags INTERFACE)
target_compile_definitions(project_flags INTERFACE _GNU_SOURCE)
target_compile_options(project_flags INTERFACE -std=gnu17)

set(WARNINGS
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wformat=2
    -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wundef -Wcast-qual
    -Wcast-align=strict -Wwrite-strings -Wpointer-arith -Wvla -Walloca -Wimplicit-fallthrough
    -Wnull-dereference -Wdouble-promotion -Wdate-time
    -Werror=implicit-function-declaration -Werror=incompatible-pointer-types
    -Werror=int-conversion -Werror=return-type -Werror=format-security
    # gcc only
    -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wbidi-chars=any -Wtrampolines
    # clang only
    -Wcomma -Wconditional-uninitialized -Wunreachable-code-aggressive -Wassign-enum)
foreach(flag IN LISTS WARNINGS)
  string(MAKE_C_IDENTIFIER "HAVE${flag}" probe)
  # -Wformat beside the probe: without it gcc rejects -Werror=format-security as having no effect.
  set(CMAKE_REQUIRED_FLAGS "-Werror -Wformat")
  check_c_compiler_flag(${flag} ${probe})
  unset(CMAKE_REQUIRED_FLAGS)
  if(${probe})
    target_compile_options(project_flags INTERFACE ${flag})
  endif()
endforeach()

option(POSTERN_HARDEN "Hardening flags (release builds)" OFF)
if(POSTERN_HARDEN)
  target_compile_options(project_flags INTERFACE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection
    -fno-delete-null-pointer-checks -fno-strict-aliasing -fno-common -fvisibility=hidden)
  foreach(flag -fcf-protection=full -mbranch-protection=standard -ftrivial-auto-var-init=zero)
    string(MAKE_C_IDENTIFIER "HAVE${flag}" probe)
    set(CMAKE_REQUIRED_FLAGS "-Werror")
    check_c_compiler_flag(${flag} ${probe})
    unset(CMAKE_REQUIRED_FLAGS)
    if(${probe})
      target_compile_options(project_flags INTERFACE ${flag})
    endif()
  endforeach()
  target_link_options(project_flags INTERFACE
    LINKER:-z,relro,-z,now,-z,noexecstack,-z,separate-code,-z,defs,--as-needed)
endif()

set(POSTERN_SANITIZE "" CACHE STRING "Sanitizers: address,undefined or thread")
if(POSTERN_SANITIZE)
  target_compile_options(project_flags INTERFACE
    -fsanitize=${POSTERN_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(project_flags INTERFACE -fsanitize=${POSTERN_SANITIZE})
endif()

option(POSTERN_TEST_HOOKS "What tests of crashes stop the program with; never in what is shipped" OFF)
if(POSTERN_TEST_HOOKS)
  target_compile_definitions(project_flags INTERFACE POSTERN_TEST_HOOKS)
endif()

option(POSTERN_COVERAGE "Count lines run (gcov)" OFF)
if(POSTERN_COVERAGE)
  target_compile_options(project_flags INTERFACE --coverage)
  target_link_options(project_flags INTERFACE --coverage)
endif()
