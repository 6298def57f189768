"""Many jobs out of one CSV file (wire facts, section 7): read it, judge each row, make the good ones."""
