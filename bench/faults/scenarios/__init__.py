"""The faults, a family each: every public function of a trial does one and says in its first line what it is."""
