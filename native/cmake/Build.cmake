# cmake -P Build.cmake: configures, builds and lays out the native files. Called by MSBuild; safe when several builds start it at
# once. Needs -DSOURCE, -DBUILD, -DOUTPUT (the folder that an application copies) and -DSTAMP (written last); passes on
# -DHYBRIDCNN_OPENBLAS and -DHYBRIDCNN_OPENBLAS_ROOT. Exit message codes for MSBuild are words at the start of a line:
# HYBRIDCNN-NO-COMPILER, HYBRIDCNN-NO-MAKE, HYBRIDCNN-NATIVE-FAILED.
cmake_minimum_required(VERSION 3.20)

file(MAKE_DIRECTORY "${BUILD}")
file(LOCK "${BUILD}" DIRECTORY GUARD PROCESS TIMEOUT 1800)

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
    message(FATAL_ERROR "HYBRIDCNN-NO-MAKE: neither make nor ninja was found.")
  elseif(NOT make)
    set(generator -G Ninja)
  endif()
endif()

set(arguments -S "${SOURCE}" -B "${BUILD}" ${generator} -DCMAKE_BUILD_TYPE=Release -DHYBRIDCNN_TESTS=OFF
  -DHYBRIDCNN_OPENBLAS=${HYBRIDCNN_OPENBLAS}
  -DHYBRIDCNN_OPENBLAS_ROOT=${HYBRIDCNN_OPENBLAS_ROOT})
execute_process(COMMAND "${CMAKE_COMMAND}" ${arguments} RESULT_VARIABLE code ERROR_VARIABLE text COMMAND_ECHO NONE)
if(NOT code EQUAL 0)
  if(text MATCHES "CMAKE_C_COMPILER|[Cc]ompiler")
    message(FATAL_ERROR "HYBRIDCNN-NO-COMPILER\n${text}")
  endif()
  message(FATAL_ERROR "HYBRIDCNN-NATIVE-FAILED\n${text}")
endif()

execute_process(COMMAND "${CMAKE_COMMAND}" --build "${BUILD}" --config Release RESULT_VARIABLE code)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "HYBRIDCNN-NATIVE-FAILED: compiling")
endif()
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --config Release --prefix "${OUTPUT}" RESULT_VARIABLE code OUTPUT_QUIET)
if(NOT code EQUAL 0)
  message(FATAL_ERROR "HYBRIDCNN-NATIVE-FAILED: installing to ${OUTPUT}")
endif()

# What an earlier build with other options left behind must not be shipped.
file(STRINGS "${BUILD}/install_manifest.txt" installed)
list(TRANSFORM installed REPLACE "^.*/" "")
file(GLOB present RELATIVE "${OUTPUT}" "${OUTPUT}/*")
foreach(name ${present})
  if(NOT name IN_LIST installed)
    file(REMOVE "${OUTPUT}/${name}")
  endif()
endforeach()
file(TOUCH "${STAMP}")
