# cmake -P Build.cmake: configures, builds and lays out the native files. Called by MSBuild; safe when several builds start it at
# once. Needs -DSOURCE, -DBUILD, -DOUTPUT (the folder that an application copies), -DSTAMP (written last) and -DERRORS (written
# when it fails: what went wrong, for people); passes on -DHYBRIDCNN_OPENBLAS and -DHYBRIDCNN_OPENBLAS_ROOT.
cmake_minimum_required(VERSION 3.20)

file(MAKE_DIRECTORY "${BUILD}")
file(LOCK "${BUILD}" DIRECTORY GUARD PROCESS TIMEOUT 1800)
file(REMOVE "${ERRORS}")

# MSBuild repeats its prefix on every line of an error, so the text becomes one line.
function(fail text)
  string(REGEX REPLACE "CMake Error at [^\n]*:|Call Stack [^\n]*:\n( +[^\n]*\n)*" "" text "${text}")
  string(REGEX REPLACE "[ \t\n]+" " " text "${text}")
  string(STRIP "${text}" text)
  file(WRITE "${ERRORS}" "${text}")
  message(FATAL_ERROR "${text}")
endfunction()

# A checkout that was moved or copied with its artifacts: the cache points at the old place.
if(EXISTS "${BUILD}/CMakeCache.txt")
  file(STRINGS "${BUILD}/CMakeCache.txt" home REGEX "^CMAKE_HOME_DIRECTORY:")
  if(NOT home STREQUAL "CMAKE_HOME_DIRECTORY:INTERNAL=${SOURCE}")
    file(REMOVE_RECURSE "${BUILD}/CMakeCache.txt" "${BUILD}/CMakeFiles")
  endif()
endif()

set(generator "")
if(NOT WIN32 AND NOT EXISTS "${BUILD}/CMakeCache.txt" AND NOT DEFINED ENV{CMAKE_GENERATOR})
  find_program(make NAMES make gmake)
  find_program(ninja NAMES ninja ninja-build)
  if(NOT make AND NOT ninja)
    fail("CMake needs make or ninja, and found neither. Install one (Debian: make) and build again.")
  elseif(NOT make)
    set(generator -G Ninja)
  endif()
endif()

set(arguments -S "${SOURCE}" -B "${BUILD}" ${generator} -DCMAKE_BUILD_TYPE=Release -DHYBRIDCNN_TESTS=OFF
  -DHYBRIDCNN_OPENBLAS=${HYBRIDCNN_OPENBLAS}
  -DHYBRIDCNN_OPENBLAS_ROOT=${HYBRIDCNN_OPENBLAS_ROOT})
execute_process(COMMAND "${CMAKE_COMMAND}" ${arguments} RESULT_VARIABLE code ERROR_VARIABLE text COMMAND_ECHO NONE)
if(NOT code EQUAL 0)
  if(text MATCHES "CMAKE_C_COMPILER|C compiler")
    set(advice "CMake found no working C compiler. Install one (Debian: gcc, macOS: xcode-select --install, Windows: the C++ build tools), "
      "or name it in the environment variable CC, and build again. ")
    string(CONCAT advice ${advice})
  endif()
  # A half-made cache would mislead the next attempt.
  file(REMOVE_RECURSE "${BUILD}/CMakeCache.txt" "${BUILD}/CMakeFiles")
  fail("${advice}CMake said: ${text}")
endif()

execute_process(COMMAND "${CMAKE_COMMAND}" --build "${BUILD}" --config Release RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_VARIABLE text)
if(NOT code EQUAL 0)
  message(NOTICE "${text}")
  string(REGEX MATCHALL "[^\n]*([Ee]rror|undefined)[^\n]*" text "${text}")
  list(JOIN text " | " text)
  fail("The native part did not compile: ${text}")
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --config Release --prefix "${OUTPUT}" RESULT_VARIABLE code OUTPUT_QUIET ERROR_VARIABLE text)
if(NOT code EQUAL 0)
  fail("The native files could not be laid out in ${OUTPUT}: ${text}")
endif()

# What an earlier build with other options left behind must not be shipped, and what replaces it must count as newer.
file(STRINGS "${BUILD}/install_manifest.txt" installed)
list(TRANSFORM installed REPLACE "^.*/" "")
file(GLOB present RELATIVE "${OUTPUT}" "${OUTPUT}/*")
foreach(name ${present})
  if(NOT name IN_LIST installed)
    file(REMOVE "${OUTPUT}/${name}")
  else()
    file(TOUCH "${OUTPUT}/${name}")
  endif()
endforeach()
file(TOUCH "${STAMP}")
